-- In the place of a .busted file: none is taken from the current folder, and no module from folders below it.

return { _all = { lpath = "", cpath = "" } }
