-- \help: the documentation at the prompt. Commands of the prompt, commands of pghost, names of the reference, pages.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local pager = require "pghost.prompt.pager"
local pages = require "pghost.manual.pages"
local rows = require "pghost.prompt.shown_rows"

local M = {}

local function show(text)
  local output <close> = pager.open(rows.settings)
  output:write((text:gsub("\n*$", "\n")))
end

-- A heading of a page and what follows it, up to the next heading that is not below it.
local function section(text, name)
  local wanted = name:lower()
  local kept, level = nil, nil
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local marks, title = line:match("^(#+) (.*)$")
    if kept and marks and #marks <= level then
      break
    elseif not kept and marks then
      local plain = title:gsub("`", ""):lower()
      if plain == wanted or plain:match("^[%w_.:%-]+") == wanted then
        kept, level = {}, #marks
      end
    end
    if kept then
      kept[#kept + 1] = line
    end
  end
  return kept and table.concat(kept, "\n")
end

local function from_reference(all, name)
  for _, page in ipairs(all) do
    if page.name:find("^reference/") then
      local file <close> = assert(io.open(page.path))
      local found = section(file:read("a"), name)
      if found then
        return found
      end
    end
  end
end

local function list(all)
  local lines = { "\\? lists the commands of the prompt. Pages, for \\help NAME:", "" }
  for _, page in ipairs(all) do
    lines[#lines + 1] = ("  %-22s %s"):format(page.name, page.title)
  end
  return table.concat(lines, "\n")
end

local function of_prompt(name)
  for _, command in ipairs(require("pghost.prompt.backslash").list) do
    if "\\" .. command.name == name then
      return ("\\%s%s\n  %s"):format(command.name, command.words and " " .. command.words or "", command.help)
    end
  end
end

local function of_pghost(name)
  local commands = require "pghost.manual.commands"
  for _, one in ipairs(commands.names()) do
    if one == name:gsub("^pghost ", "") then
      return commands.of(one).parser:get_help()
    end
  end
end

local function help(_, _, rest)
  local all = pages.list()
  if rest == "" then
    show(list(all))
    return
  end
  local page = pages.find(all, rest)
  local text = of_prompt(rest) or of_pghost(rest) or (page and pages.text(page)) or from_reference(all, rest)
  if not text then
    local names = require("pghost.manual.commands").names()
    for _, one in ipairs(all) do
      names[#names + 1] = one.name
    end
    errors.raise(("no help for '%s'%s (\\help lists the pages)"):format(rest, nearest.hint(rest, names)), "usage")
  end
  show(text)
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "help", other = "h", words = "[NAME]", run = help,
    help = "documentation: a page, load, r.date, check.unique" },
}

return M
