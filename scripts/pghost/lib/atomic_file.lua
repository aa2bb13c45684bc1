-- Files written under a temporary name and renamed when complete. Anything but an ordinary file (a pipe, /dev/stdout)
-- is written to directly.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local sys = require "pghost.native.sys"
local whole_file = require "pghost.lib.whole_file"

local M = {}

---@class pghost.WrittenFile
---@field path string where it is to be
---@field written string where it is written
---@field file? file*
local Written = {}
Written.__index = Written

-- What a killed process left, or somebody has put there, is removed rather than written to: it could be a link.
local function open(path, is_temporary)
  if not is_temporary then
    return io.open(path, "wb")
  end
  os.remove(path)
  return sys.create(path)
end

--- Begins a file; an unwritable place is found out here.
---@param path string "-" is standard output
---@param what string for messages: "the rejects"
---@return pghost.WrittenFile file to be kept in a `<close>` variable
function M.begin(path, what)
  if path == "-" then
    return setmetatable({ path = "standard output", written = "standard output", file = io.stdout }, Written)
  end
  local mode = lfs.attributes(path, "mode")
  local written = (mode == nil or mode == "file") and ("%s.%d.tmp"):format(path, sys.pid()) or path
  local file, message = open(written, written ~= path)
  if not file then
    errors.raise(("could not write %s '%s': %s"):format(what, path, whole_file.reason(written, message)), "EACCES")
  end
  return setmetatable({ path = path, written = written, file = file }, Written)
end

local function check(self, ok, message)
  if not ok then
    errors.raise(("could not write '%s': %s"):format(self.path, whole_file.reason(self.written, message)), "EIO")
  end
end

--- Whether what is written cannot be taken back.
---@return boolean
function Written:is_final()
  return self.written == self.path
end

--- Starts over, where something was written that no longer holds.
function Written:again()
  if not self.file then
    local file, message = open(self.written, not self:is_final())
    check(self, file, message)
    self.file = file
  end
end

---@param ... string
function Written:write(...)
  local done, message = self.file:write(...)
  check(self, done or self.file == io.stdout, message) -- of standard output, the host says it in the end, once
end

--- Nothing more is written.
function Written:finish()
  local file = self.file
  self.file = nil
  if file == io.stdout then
    return
  end
  local done, message = sys.sync(file) -- or a loss of power could leave an empty one in its place
  local closed, problem = file:close()
  check(self, done and closed, message or problem)
end

--- Puts it in its place.
---@param before? string what a message says that has happened already
function Written:keep(before)
  self.kept = true
  local ok, message = true, nil
  if not self:is_final() then
    ok, message = os.rename(self.written, self.path)
  end
  if not ok then
    errors.raise(("could not write '%s': %s; %sit is in '%s'"):format(self.path, message, before or "", self.written),
      "EIO")
  end
end

--- Leaves nothing of a file that was not kept. Twice is fine.
function Written:close()
  if self.file and self.file ~= io.stdout then
    self.file:close()
  end
  self.file = nil
  if not self.kept and not self:is_final() then
    os.remove(self.written)
    self.kept = true
  end
end

Written.__close = Written.close

--- Writes a text, whole or not at all.
---@param path string "-" is standard output
---@param what string for messages: "the report"
---@param text string
function M.write(path, what, text)
  local file <close> = M.begin(path, what)
  file:write(text)
  file:finish()
  file:keep()
end

return M
