"""`onelead prove`: many clients against real processes, and the check of their answers.

`drive` sends the deliveries, `check` judges the history that they leave, and `explain` reduces a
failure to the few operations that contradict each other. A history is made of `operations`; both
`check` and `explain` compare `answers` with the model. `run` and `report` put it all together.
"""
