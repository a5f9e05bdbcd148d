"""`onelead prove`: many clients against real processes, and the check of their answers."""
