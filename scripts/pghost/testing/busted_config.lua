-- Replaces a .busted file: none is read from the current folder, and no module from folders below it.

return { _all = { lpath = "", cpath = "" } }
