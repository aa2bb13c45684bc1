-- The text of `pghost --help`, from the tables of commands and options.

local color = require "pghost.lib.color"
local commands = require "pghost.manual.commands"
local host = require "pghost.native.host"
local texts = require "pghost.manual.texts"

local M = {}

-- Two columns, the second from `width` on.
local function row(width, left, right)
  return ("  %-" .. width .. "s  %s"):format(left, right)
end

--- "-q, --quiet", "--dsn DSN".
---@param text pghost.HostOptionText
---@return string
function M.option_label(text)
  local names = text.short and text.long and text.short .. ", " .. text.long or text.short or text.long
  return text.value and names .. " " .. text.value or names
end

local function add_usages(lines)
  for i, usage in ipairs(texts.usages) do
    local form = ("pghost [options] %s"):format(usage[1])
    lines[#lines + 1] = ("%s%-33s %s"):format(i == 1 and "Usage: " or "       ", form, usage[2])
  end
end

local function add_options(lines)
  local late = {}
  for _, text in ipairs(host.option_texts) do
    local label = M.option_label(text)
    if #label > 22 then
      lines[#lines + 1] = "  " .. label
      label = ""
    end
    lines[#lines + 1] = row(22, label, text.help)
    late[#late + 1] = text.late and (text.long or text.short) or nil
  end
  lines[#lines + 1] = ("  (%s may also follow a command.)"):format(table.concat(late, ", "))
end

--- All of it.
---@return string
function M.text()
  local lines = {}
  add_usages(lines)
  lines[#lines + 1] = "\n" .. color.bold("Commands:", 1)
  for _, command in ipairs(commands.list()) do
    lines[#lines + 1] = row(9, command.name, command.summary .. ".")
  end
  lines[#lines + 1] = "\n" .. color.bold("Options:", 1)
  add_options(lines)
  lines[#lines + 1] = "\n" .. color.bold("Exit codes:", 1)
  for _, code in ipairs(texts.exit_codes) do
    lines[#lines + 1] = row(3, code[1], code[2])
  end
  lines[#lines + 1] = "\nExample: " .. texts.examples[1][1]
  return table.concat(lines, "\n") .. "\n"
end

return M
