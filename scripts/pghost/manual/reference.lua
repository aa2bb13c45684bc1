-- The reference of everything a user may write, as Markdown pages: from the annotations of the public modules, the
-- parsers of the commands, and the tables of settings, dialect, types, operations, checks and metadata.

local annotations = require "pghost.manual.annotations"
local host = require "pghost.native.host"
local lists = require "pghost.lib.lists"
local markdown = require "pghost.manual.reference_markdown"
local tables = require "pghost.manual.reference_tables"

local M = {}

local notice = "<!-- Written by `cmake --build build --target reference`; change the annotations and tables instead. "
  .. "-->\n"

-- What users require: the page, the source, and how a script calls what is in it. What is not named here is not public.
M.sources = {
  { page = "pipeline", file = "pipeline.lua", names = { M = "pipeline." } },
  { page = "pipeline", file = "run.lua", names = { Run = "run:" } },
  { page = "rules", file = "rules.lua", names = { ["pghost.RulesModule"] = "r.", M = "r." } },
  { page = "rules", file = "rules/column.lua", names = { ["pghost.Column"] = "column:", Column = "column:" } },
  { page = "rules", file = "rules/rows.lua", names = { M = "r.", ["pghost.RuleRow"] = "row:" } },
  { page = "rules", file = "rules.lua", names = { ["pghost.RuleValues"] = "r.value.", Rules = "rules:" } },
  { page = "checks", file = "check.lua", names = { ["pghost.CheckModule"] = "check." } },
  { page = "connection", file = "connection.lua", names = { M = "connection.", Connection = "conn:" } },
  { page = "sniff", file = "sniff.lua", names = { M = "sniff." } },
  { page = "test", file = "test.lua", names = { M = "test." } },
}

local titles = {
  pipeline = { "Pipelines", 'local pipeline = require "pghost.pipeline"' },
  rules = { "Rules", 'local r = require "pghost.rules"' },
  checks = { "Checks", 'local check = require "pghost.check"' },
  connection = { "Connections", 'local connection = require "pghost.connection"' },
  sniff = { "Sniffing", 'local sniff = require "pghost.sniff"' },
  test = { "Tests", 'local test = require "pghost.test"' },
}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

--- The public functions of one source: { call = "run:load", entry = ... }, in its order.
---@param source { file: string, names: table<string, string> }
---@return { call: string, entry: pghost.Annotated }[]
function M.functions(source)
  local list = {}
  for _, entry in ipairs(annotations.read(read(("%s/scripts/pghost/%s"):format(host.root, source.file)))) do
    local prefix = source.names[entry.owner]
    if prefix and not entry.hidden and not entry.name:find("^__") then
      list[#list + 1] = { call = prefix .. entry.name, entry = entry }
    end
  end
  return list
end

local function function_text(call, entry)
  local lines = { ("### `%s(%s)`\n"):format(call, table.concat(entry.parameters, ", ")), entry.text .. "\n" }
  if #entry.parameters > 0 then
    lines[#lines + 1] = "| parameter | |\n|---|---|"
    for _, name in ipairs(entry.parameters) do
      local kind = entry.types[name] or ""
      lines[#lines + 1] = ("| `%s`%s | %s |"):format(name, kind:find("^%?") and " (optional)" or "",
        markdown.cell(kind:gsub("^%?", "")))
    end
    lines[#lines + 1] = ""
  end
  for _, result in ipairs(entry.returns) do
    lines[#lines + 1] = ("Returns %s\n"):format(result)
  end
  if entry.errors then
    lines[#lines + 1] = ("Errors: %s\n"):format(entry.errors)
  end
  lines[#lines + 1] = entry.example and ("```lua\n%s\n```\n"):format(entry.example) or nil
  return table.concat(lines, "\n")
end

-- The tables that the functions of a page take: classes whose names end in "Options", found where they are declared.
local function option_classes(entries)
  local names, seen = {}, {}
  for _, one in ipairs(entries) do
    for _, parameter in ipairs(one.entry.parameters) do
      local name = (one.entry.types[parameter] or ""):match("pghost%.[%w_.]*Options")
      if name and not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  return names
end

local class_files = {
  ["pghost.LoadOptions"] = "load/plan.lua", ["pghost.StartOptions"] = "pipeline.lua",
  ["pghost.CheckOptions"] = "checks/definition.lua", ["pghost.sniff.Options"] = "sniff.lua",
  ["pghost.test.PipelineOptions"] = "test.lua", ["pghost.FormatOptions"] = "rules.lua",
}

local function class_text(name)
  local source = read(("%s/scripts/pghost/%s"):format(host.root, assert(class_files[name], name)))
  local rows = lists.map(annotations.fields(source, name), function(field)
    return { ("`%s`"):format(field.name), field.text }
  end)
  return ("### %s\n\n%s"):format(name, markdown.table({ "option", "" }, rows))
end

local function module_page(page)
  local parts, all = { notice, ("# %s\n\n```lua\n%s\n```\n"):format(titles[page][1], titles[page][2]) }, {}
  for _, source in ipairs(M.sources) do
    for _, one in ipairs(source.page == page and M.functions(source) or {}) do
      parts[#parts + 1] = function_text(one.call, one.entry)
      all[#all + 1] = one
    end
  end
  for _, name in ipairs(option_classes(all)) do
    parts[#parts + 1] = class_text(name)
  end
  return table.concat(parts, "\n")
end

local function index_page(pages)
  local rows = {}
  for name, text in pairs(pages) do
    rows[#rows + 1] = { ("[%s](%s)"):format(text:match("\n# ([^\n]*)"), name) }
  end
  table.sort(rows, function(a, b)
    return a[1] < b[1]
  end)
  return table.concat({ notice, "# Reference\n", "All that a user may write, from the annotations that editors show, "
    .. "too. `pghost docs NAME` shows a page in the terminal.\n", markdown.table({ "page" }, rows) }, "\n")
end

--- All pages: file name -> text.
---@return table<string, string>
function M.pages()
  local pages = {}
  for name, page in pairs(tables) do
    pages[name .. ".md"] = notice .. "\n" .. page()
  end
  for page in pairs(titles) do
    pages[page .. ".md"] = module_page(page)
  end
  pages["README.md"] = index_page(pages)
  return pages
end

return M
