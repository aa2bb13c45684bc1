-- Writes docs/reference/*.md: pghost cmake/reference.lua FOLDER. Run by `cmake --build build --target reference`.

local lfs = require "lfs"
local reference = require "pghost.manual.reference"

local folder = assert(arg[1], "usage: pghost cmake/reference.lua FOLDER")

lfs.mkdir(folder)
local pages = reference.pages()
for entry in lfs.dir(folder) do
  if entry:find("%.md$") and not pages[entry] then
    os.remove(folder .. "/" .. entry)
  end
end
for name, text in pairs(pages) do
  local file <close> = assert(io.open(folder .. "/" .. name, "w"))
  assert(file:write(text))
end
