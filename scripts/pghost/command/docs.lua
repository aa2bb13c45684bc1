-- pghost docs [NAME]: the documentation in the terminal.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"
local pages = require "pghost.manual.pages"
local sys = require "pghost.native.sys"

local function parse(arguments)
  local parser = argparse("pghost docs", "Shows the documentation. On a terminal through $PAGER (default: less -R).")
  parser:argument("name", "Name of a page; without one, the list of pages."):args("?")
  parser:option("-s --search", "Lines of all pages that have this text in any case."):argname("TEXT")
  parser:epilog("Example: pghost docs tutorial")
  return command_arguments.parse(parser, arguments, "pghost docs")
end

-- Through a pager on a terminal; one that cannot be started, or is left early, is not an error.
local function show(text)
  if not sys.is_tty(1) then
    io.write(text)
    return
  end
  local pager = os.getenv("PAGER")
  local pipe <close> = assert(io.popen(pager and pager ~= "" and pager or "less -R 2>/dev/null || cat", "w"))
  pipe:write(text)
end

local function list(all)
  local lines = lists.map(all, function(page)
    return ("%-22s %s\n"):format(page.name, page.title)
  end)
  return table.concat(lines)
end

local function search(all, text)
  local wanted, lines = text:lower(), {}
  for _, page in ipairs(all) do
    local number = 0
    for line in io.lines(page.path) do
      number = number + 1
      if line:lower():find(wanted, 1, true) then
        lines[#lines + 1] = ("%s:%d: %s\n"):format(page.name, number, line)
      end
    end
  end
  return table.concat(lines)
end

local function find(all, name)
  local page = pages.find(all, name)
  if page then
    return page
  end
  local names = lists.pluck(all, "name")
  errors.raise(("no page '%s'%s (see pghost docs)"):format(name, nearest.hint(name, names)), "usage")
end

local options = parse { ... }
local all = pages.list()
if #all == 0 then
  errors.raise("the documentation is not installed beside the library", "ENOENT")
elseif options.search then
  local found = search(all, options.search)
  show(found)
  return found == "" and 1 or 0
end
show(options.name and pages.text(find(all, options.name)) or list(all))
