-- The texts of pipeline.lua, config.lua and checks.lua.

local csv_files = require "pghost.init.csv_files"
local lua_text = require "pghost.lib.lua_text"
local paths = require "pghost.lib.paths"
local rules_text = require "pghost.sniff.rules_text"

local M = {}

local quoted = lua_text.quoted

-- A glob that matches exactly these files today, and similar ones that arrive later.
local function glob_of(list, folder)
  local first, last = list[1], list[#list]
  local before = 0
  while before < math.min(#first, #last) and first:byte(before + 1) == last:byte(before + 1) do
    before = before + 1
  end
  local prefix, ending = first:sub(1, before):gsub("%d+$", ""), first:match("%.[%w.]+$") or ""
  local glob = prefix .. "*" .. ending
  if prefix == "" or prefix:find("[*?%[]") or ending:find("[*?%[]") then
    return nil
  end
  local found, matches = pcall(paths.expand, paths.join(folder, glob))
  if not found or #matches ~= #list then
    return nil
  end
  table.sort(matches)
  for i, path in ipairs(list) do
    if matches[i] ~= paths.join(folder, path) then
      return nil
    end
  end
  return glob
end

local function files_of(one, folder)
  local list, seen_paths = {}, {}
  for _, seen in ipairs(one.files) do
    if not seen_paths[seen.path] then -- several files of a zip
      seen_paths[seen.path] = true
      list[#list + 1] = seen.path
    end
  end
  table.sort(list)
  local glob = #list > 1 and glob_of(list, folder)
  return glob and quoted(glob) or lua_text.one_or_list(list)
end

local defaults = { delimiter = ",", quote = '"', encoding = "utf-8" }

local function options_of(one)
  local options, found = {}, one.options.dialect == "auto"
  for name, value in pairs(one.options) do
    if found or defaults[name] ~= value then
      options[name] = value
    end
  end
  if next(options) == nil then
    return ""
  end
  return ", " .. rules_text.options(options)
end

--- The line, and what is not sure of it above, that loads a table.
---@param one pghost.init.Table
---@param folder string with the data
---@return string[]
function M.load_lines(one, folder)
  local out = {}
  for _, remark in ipairs(one.remarks) do
    lua_text.add(out, lua_text.comment(("%s: %s"):format(one.name, remark)))
  end
  local from = ("run:load(%s, %s,"):format(quoted(one.name), files_of(one, folder))
  local rules = ("require %s%s)"):format(quoted("rules." .. one.name), options_of(one))
  if #from + #rules < 120 then
    out[#out + 1] = from .. " " .. rules
  else
    out[#out + 1] = from
    out[#out + 1] = "  " .. rules
  end
  return out
end

local function refused_lines(refused)
  local out = {}
  for _, one in ipairs(refused) do
    lua_text.add(out, lua_text.comment(("left out: %s: %s"):format(one.path, one.reason)))
    local command, others = csv_files.command(one)
    lua_text.add(out, command and lua_text.comment(others and ("%s (%s)"):format(command, others) or command) or {})
  end
  return out
end

-- Tables that others refer to come first, for the reader.
local function in_order(tables, references)
  local rank, list = {}, {}
  for _, reference in ipairs(references) do
    rank[reference.parent] = (rank[reference.parent] or 0) - 1
  end
  for i, one in ipairs(tables) do
    list[i] = one
  end
  table.sort(list, function(a, b)
    local left, right = rank[a.name] or 0, rank[b.name] or 0
    return left < right or left == right and a.name < b.name
  end)
  return list
end

---@param project pghost.init.Project
---@return string
function M.pipeline(project)
  local out = lua_text.comment(("%s, from CSV files to answers: `pghost pipeline.lua`. Proposed by `pghost init`; "
    .. "all of it is yours to change."):format(project.name))
  lua_text.add(out, { "", 'local pipeline = require "pghost.pipeline"', "local config = require " .. quoted("config"),
    "",
    ("local run <close> = pipeline.start(%s, config)"):format(quoted(project.name)) })
  lua_text.add(out, {
    "run:expect(require " .. quoted("checks") .. ") -- a mistake in them ends the run before a load",
  })
  for _, one in ipairs(in_order(project.tables, project.references)) do
    lua_text.add(out, M.load_lines(one, project.data))
  end
  lua_text.add(out, refused_lines(project.refused))
  lua_text.add(out, { "run:check()", 'run:analyse("sql/analytics")', "run:publish()" })
  return lua_text.file(out)
end

---@param project pghost.init.Project
---@return string
function M.config(project)
  return lua_text.file {
    "-- What the pipeline runs with. Each setting is also an option: `pghost pipeline.lua --max-rejects 1%`.",
    "",
    "return {",
    ("  data = %s, -- folder with the CSV files; a relative path counts from this folder"):format(
      quoted(project.data_setting)),
    ("  schema = %s, -- schema that the tables are published into; created if missing"):format(
      quoted(project.schema)),
    '  as_of = "", -- what :as_of stands for in SQL; "": the start of the run',
    '  max_rejects = "", -- "1%" or 100: with more, the run fails and publishes nothing; "": no limit',
    "",
    "  -- Values of your own: parameters of the SQL (:name), and options of the command line.",
    "  parameters = {},",
    "}",
  }
end

local function add_counts(out, tables)
  local lines = {}
  for _, one in ipairs(tables) do
    local least = (one.records - one.misfits) // 2
    lines[#lines + 1] = least > 1 and ("  check.row_count(%s, %d, nil, { severity = \"warn\" }),"):format(
      quoted(one.name), least) or nil
  end
  if #lines > 0 then
    lua_text.add(out, lua_text.comment("Half of today's records: with fewer, a file may be missing or cut off.", "  "))
    lua_text.add(out, lines)
  end
  return #lines
end

local function add_references(out, references)
  for _, reference in ipairs(references) do
    lua_text.add(out, lua_text.comment(reference.reason, "  "))
    local line = ("  check.references(%s, %s, { severity = \"warn\" }),"):format(
      quoted(reference.child .. "." .. reference.child_column),
      quoted(reference.parent .. "." .. reference.parent_column))
    out[#out + 1] = line
  end
  if #references == 0 then
    lua_text.add(out, lua_text.comment("No column looks like the key of another table. As an example: "
      .. 'check.references("orders.user_id", "users.id"), check.holds("orders", "price >= 0")', "  "))
  end
end

---@param project pghost.init.Project
---@return string
function M.checks(project)
  local list, out = {}, { "-- What must hold before anything is published. `warn` is reported, `error` (the default) "
    .. "stops.", "" }
  local counts = add_counts(list, project.tables)
  add_references(list, project.references)
  lua_text.add(out, counts + #project.references > 0 and { 'local check = require "pghost.check"', "" } or {})
  out[#out + 1] = "return {"
  lua_text.add(out, list)
  out[#out + 1] = "}"
  return lua_text.file(out)
end

return M
