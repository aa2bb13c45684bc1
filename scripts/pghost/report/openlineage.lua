-- A run as OpenLineage events (spec 2, https://openlineage.io/spec/2-0-2/OpenLineage.json): the pipeline is a job, and
-- so is what makes each of its tables, and its checks, below it.
--
-- Made from what was recorded; docs/MACHINES.md has the list. Where the events go: report/openlineage_sink.lua.

local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"

local M = {}

local spec <const> = "https://openlineage.io/spec/"

local transformations <const> = {
  identity = { "DIRECT", "IDENTITY" }, transformation = { "DIRECT", "TRANSFORMATION" },
  aggregation = { "DIRECT", "AGGREGATION" }, filter = { "INDIRECT", "FILTER" }, join = { "INDIRECT", "JOIN" },
  group_by = { "INDIRECT", "GROUP_BY" }, sort = { "INDIRECT", "SORT" }, window = { "INDIRECT", "WINDOW" },
}

local function producer(run)
  return "urn:pghost:" .. (run.version or "unknown")
end

local function facet(run, name, version, fields)
  fields._producer = producer(run)
  fields._schemaURL = ("%sfacets/%s/%sFacet.json"):format(spec, version, name)
  return fields
end

local function table_of(run, name, schema)
  return { namespace = run.namespace, name = ("%s.%s.%s"):format(run.database, schema or run.target_schema, name) }
end

-- Source: OpenLineage, "Naming Conventions": s3://BUCKET with the key, file://HOST with the path. Of web servers it
-- says nothing.
local function place_of(run, path)
  local server, rest = path:match("^(%w+://[^/]+)/(.*)$")
  if server then
    return server, rest
  end
  return "file://" .. (run.host_name or "localhost"), path
end

-- `columns` has what is known of the columns of the file, as openlineage_columns.lua says it.
local function file_of(run, file, columns)
  local namespace, name = place_of(run, file.path)
  return { namespace = namespace, name = name,
    inputFacets = { dataQualityMetrics = facet(run, "DataQualityMetricsInputDataset", "1-0-2", {
      rowCount = file.records, bytes = file.size, columnMetrics = columns or {} }) } }
end

-- Of the rows that a load has brought; nil where they are not the whole table, or no profile was stored.
local function metrics(run, name)
  local profile = run.profiles[name]
  return profile and facet(run, "DataQualityMetricsDataset", "1-0-0", { rowCount = profile.records,
    columnMetrics = profile.columns }) or nil
end

local function input_fields(run, list)
  return lists.map(list, function(one)
    local kind = transformations[one.how]
    local field = table_of(run, one.source_table, one.source_schema)
    field.field, field.transformations = one.source_column, { { type = kind[1], subtype = kind[2] } }
    return field
  end)
end

-- Which columns a table's columns came from; nil where that is not known.
local function column_lineage(run, name)
  local by_column, rows, fields = {}, {}, {}
  for _, one in ipairs(run.column_sources) do
    if one.table_name == name then
      local key = one.column_name
      local list = key and (by_column[key] or {}) or rows
      list[#list + 1] = one
      by_column[key or 1] = key and list or nil
    end
  end
  for column, list in pairs(by_column) do
    fields[column] = { inputFields = input_fields(run, list) }
  end
  if next(fields) == nil then
    return nil
  end
  return facet(run, "ColumnLineageDataset", "1-2-0", { fields = fields,
    dataset = #rows > 0 and input_fields(run, rows) or nil })
end

local function output(run, name, rows)
  local columns = run.columns_of[name]
  local out = table_of(run, name)
  out.facets = { columnLineage = column_lineage(run, name), dataQualityMetrics = metrics(run, name) }
  if columns and #columns > 0 then
    out.facets.schema = facet(run, "SchemaDataset", "1-1-1", { fields = lists.map(columns, function(column)
      return { name = column.name, type = column.type }
    end) })
  end
  out.outputFacets = rows and { outputStatistics = facet(run, "OutputStatisticsOutputDataset", "1-0-2", {
    rowCount = rows }) } or nil
  return out
end

local function assertions(run, name)
  local list = {}
  for _, check in ipairs(run.checks) do
    if check.table_name == name then
      list[#list + 1] = { assertion = check.name, success = check.passed,
        severity = check.severity, column = check.column }
    end
  end
  return list
end

-- Version 3 of UUIDs is a hash of a name: the same run always has the same.
local function uuid(hash)
  return ("%s-%s-3%s-a%s-%s"):format(hash:sub(1, 8), hash:sub(9, 12), hash:sub(14, 16), hash:sub(18, 20),
    hash:sub(21, 32))
end

local function event(run, kind, time, job, id, parts)
  local job_facets, run_facets = parts.job or {}, parts.run or {}
  job_facets.jobType = facet(run, "JobTypeJob", "2-0-3", { processingType = "BATCH", integration = "PGHOST",
    jobType = parts.kind })
  return { eventType = kind, eventTime = time, producer = producer(run), schemaURL = spec
    .. "2-0-2/OpenLineage.json#/$defs/RunEvent", job = { namespace = "pghost", name = job, facets = job_facets },
    run = { runId = uuid(id), facets = next(run_facets) and run_facets or nil },
    inputs = parts.inputs and #parts.inputs > 0 and parts.inputs or nil,
    outputs = parts.outputs and #parts.outputs > 0 and parts.outputs or nil }
end

local function parent(run)
  return facet(run, "ParentRun", "1-1-0", { run = { runId = uuid(run.hash) },
    job = { namespace = "pghost", name = run.pipeline } })
end

local function child(run, name, parts)
  parts.run = { parent = parent(run) }
  local job = name:find "^:" and run.pipeline .. name or run.pipeline .. "." .. name
  return event(run, "COMPLETE", run.ended, job, run.child_hash(name), parts)
end

local function files_of(run, one)
  local files, raw = lists.filter(run.all_files, function(file)
    return file.table_name == one.name
  end), run.profiles[one.name .. "_raw"]
  return lists.map(files, function(file)
    return file_of(run, file, #files == 1 and raw and raw.records == file.records and raw.columns or nil)
  end)
end

local function load_event(run, one)
  local inputs, rules = files_of(run, one), run.rules[one.name]
  return child(run, one.name, { kind = "TABLE", inputs = inputs, outputs = { output(run, one.name .. "_raw"),
    output(run, one.name, one.loaded) }, job = rules and { sourceCode = facet(run, "SourceCodeJob", "1-0-1", {
    language = "pghost rules", sourceCode = rules }) } })
end

local function answer_event(run, answer)
  return child(run, answer.name, { kind = "QUERY", inputs = lists.map(answer.reads, function(read)
    return table_of(run, read.table, read.schema)
  end), outputs = { output(run, answer.name, answer.rows_made) },
    job = { sql = facet(run, "SQLJob", "1-1-0", { query = answer.sql, dialect = "postgres" }) } })
end

local function check_event(run)
  local inputs = {}
  for _, one in ipairs(run.tables) do
    local list = assertions(run, one.name)
    if #list > 0 then
      local input = table_of(run, one.name)
      input.facets = { dataQualityMetrics = metrics(run, one.name) }
      input.inputFacets = { dataQualityAssertions = facet(run, "DataQualityAssertionsDataset", "1-0-2", {
        assertions = list }) }
      inputs[#inputs + 1] = input
    end
  end
  return #inputs > 0 and child(run, ":checks", { kind = "CHECK", inputs = inputs }) or nil
end

local function end_type(run)
  if run.state == "published" or run.dry_run and run.state == "unpublished" then
    return "COMPLETE"
  end
  return run.state == "failed" and "FAIL" or "ABORT"
end

--- The event that a run has begun.
---@param run table pipeline, version, hash, started
---@return string line JSON
function M.start(run)
  return json.encode(event(run, "START", run.started, run.pipeline, run.hash, { kind = "PIPELINE" }))
end

--- The events of a run that has ended: tables that it has published, checks, and how the pipeline ended.
---@param run table as report/openlineage_sink.lua has made it
---@return string[] lines JSON
function M.finish(run)
  local events = {}
  if run.state == "published" then
    for _, one in ipairs(run.tables) do
      events[#events + 1] = load_event(run, one)
    end
    for _, answer in ipairs(run.answers) do
      events[#events + 1] = answer_event(run, answer)
    end
  end
  events[#events + 1] = check_event(run)
  events[#events + 1] = event(run, end_type(run), run.ended, run.pipeline, run.hash, { kind = "PIPELINE",
    run = run.error and { errorMessage = facet(run, "ErrorMessageRun", "1-0-1", { message = run.error,
      programmingLanguage = "Lua" }) } })
  return lists.map(events, json.encode)
end

return M
