-- Writes the man pages and shell completions below a folder: pghost cmake/manual.lua FOLDER. Run by the build.

local completions = require "pghost.manual.completions"
local lfs = require "lfs"
local man = require "pghost.manual.man"

local folder = assert(arg[1], "usage: pghost cmake/manual.lua FOLDER")

local function make_folders(path)
  local at = path:sub(1, 1) == "/" and "/" or ""
  for part in path:gmatch("[^/]+") do
    at = at .. part .. "/"
    lfs.mkdir(at)
  end
end

local function write(path, text)
  make_folders(path:match("^(.*)/"))
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

for name, text in pairs(man.pages()) do
  write(("%s/man/man1/%s"):format(folder, name), text)
end
for path, text in pairs(completions.files()) do
  write(("%s/%s"):format(folder, path), text)
end
