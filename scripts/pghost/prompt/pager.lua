-- Where results go: the terminal, a pager if they are longer than the screen, a file or a command (\o).

local sys = require "pghost.native.sys"

local M = {}

---@class pghost.prompt.Output what rows are written to, like a file
---@field gone boolean nobody reads any more
local Output = {}
Output.__index = Output

local function is_installed(name)
  return (os.execute("command -v " .. name .. " >/dev/null 2>&1"))
end

-- $PAGER, else less, which leaves short texts on the screen and long lines whole.
local function command()
  local own = os.getenv "PAGER"
  if own then
    return own ~= "" and own or nil
  end
  return is_installed "less" and "LESS=${LESS:-FRSX} less" or nil
end

function Output:start_pager()
  local text = self.pager and command()
  local pipe = text and io.popen(text, "w")
  if pipe then
    self.file, self.is_pipe = pipe, true
  end
  local held = table.concat(self.held)
  self.held = nil
  self:write(held)
end

function Output:write(...)
  if self.held then
    for _, piece in ipairs { ... } do
      self.held[#self.held + 1] = piece
      self.lines = self.lines + select(2, piece:gsub("\n", ""))
    end
    if self.lines > self.height then
      self:start_pager()
    end
    return self
  end
  if not self.gone and not self.file:write(...) then
    self.gone = true
  end
  return self
end

function Output:close()
  if self.held then
    self.file:write(table.concat(self.held))
    self.held = nil
  end
  if self.is_pipe then
    self.is_pipe = false
    self.file:close()
  end
  io.stdout:flush()
end

Output.__close = Output.close

--- Opens the output of one result. Keep it in a `<close>` variable.
---@param settings pghost.prompt.Settings
---@return pghost.prompt.Output
function M.open(settings)
  local output = setmetatable({ file = settings.output or io.stdout, gone = false }, Output)
  if not settings.output and settings.pager and sys.is_tty(1) and sys.is_tty(0) then
    output.pager, output.held, output.lines = true, {}, 0
    output.height = (sys.lines(1) or 24) - 2 -- the prompt stands below it
  end
  return output
end

return M
