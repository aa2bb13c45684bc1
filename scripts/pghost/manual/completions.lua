-- Completion of commands, options and files for bash, zsh and fish, written by argparse from one parser that has
-- all commands.

local argparse = require "argparse"
local commands = require "pghost.manual.commands"
local host = require "pghost.native.host"
local texts = require "pghost.manual.texts"

local M = {}

-- "text|json" -> { "text", "json" }; nil: any value.
local function choices_of(value)
  local list = {}
  for word in value:gmatch("[%l%d-]+") do
    list[#list + 1] = word
  end
  return value:find("|", 1, true) and list or nil
end

local function add_host_options(parser, only_late)
  local taken = {}
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      taken[alias] = true
    end
  end
  for _, text in ipairs(host.option_texts) do
    local name = text.short and text.long and text.short .. " " .. text.long or text.short or text.long
    if (text.late or not only_late) and not taken[text.long or text.short] then
      local option = text.value and parser:option(name, text.help) or parser:flag(name, text.help)
      local choices = text.value and choices_of(text.value)
      if choices then
        option:choices(choices)
      end
    end
  end
end

-- A command of `root` with what the parser of its own has.
local function add_command(root, command)
  local added = root:command(command.name, command.parser._description)
  for _, part in ipairs { "_arguments", "_options", "_commands", "_mutexes", "_require_command" } do
    added[part] = command.parser[part]
  end
  for _, below in ipairs(added._commands) do
    below._parent = added
  end
  add_host_options(added, true)
end

local function whole_parser()
  local root = argparse("pghost", texts.purpose):add_help(false)
  add_host_options(root, false)
  for _, command in ipairs(commands.list()) do
    add_command(root, command)
  end
  return root
end

-- The options before a command are not those after it.
local function bash(root)
  return (root:get_bash_complete():gsub('opts="%$opts ', 'opts="'))
end

-- A first word that is no command is a script.
local function zsh(root)
  return (root:get_zsh_complete()
    :gsub('(_pghost_cmds%(%) {.-_describe "command" commands)\n}', '%1\n  _files -g "*.lua(-.)"\n}', 1))
end

--- All of them: path below share/ -> text.
---@return table<string, string>
function M.files()
  return {
    ["bash-completion/completions/pghost"] = bash(whole_parser()),
    ["zsh/vendor-completions/_pghost"] = zsh(whole_parser()),
    ["fish/vendor_completions.d/pghost.fish"] = whole_parser():get_fish_complete(),
  }
end

return M
