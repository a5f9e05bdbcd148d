"""How the rows of a file become writes: headers, cells and columns, as pure rules."""
