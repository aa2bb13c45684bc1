-- A run in the text format of Prometheus, for the textfile collector of its node exporter.
--
-- https://prometheus.io/docs/instrumenting/exposition_formats/. All are gauges: the last run, not a sum.

local lists = require "pghost.lib.lists"
local terminal = require "pghost.lib.terminal"

local M = {}

local function label(value)
  return (terminal.harmless(value):gsub("\\", "\\\\"):gsub('"', '\\"'))
end

local function labels_of(list)
  local out = lists.map(list, function(one)
    return ('%s="%s"'):format(one[1], label(one[2]))
  end)
  return "{" .. table.concat(out, ",") .. "}"
end

local function number(value)
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.3f"):format(value)
end

local function family(out, name, help, samples)
  if #samples == 0 then
    return
  end
  out[#out + 1] = ("# HELP pghost_%s %s\n# TYPE pghost_%s gauge\n"):format(name, help, name)
  for _, sample in ipairs(samples) do
    out[#out + 1] = ("pghost_%s%s %s\n"):format(name, labels_of(sample[1]), number(sample[2]))
  end
end

-- Labels of the run, and others after them.
local function with(run, ...)
  return { { "pipeline", run.pipeline }, { "schema", run.target_schema }, ... }
end

local function records(run)
  local samples = {}
  for _, one in ipairs(run.tables) do
    for _, word in ipairs { "loaded", "corrected", "rejected", "waived", "duplicates", "filtered" } do
      local count = word == "loaded" and one.loaded - one.corrected or one[word]
      samples[#samples + 1] = { with(run, { "table", one.name }, { "outcome", word }), count }
    end
  end
  return samples
end

local function by_table(run, field)
  return lists.map(run.tables, function(one)
    return { with(run, { "table", one.name }), one[field] }
  end)
end

-- Two checks may share a name: two series may not.
local function checks(run)
  local samples, place = {}, {}
  for _, check in ipairs(run.checks) do
    local key = label(check.name) .. "\0" .. check.severity
    if place[key] then
      samples[place[key]][2] = samples[place[key]][2] + check.violations
    else
      samples[#samples + 1] = { with(run, { "check", check.name }, { "severity", check.severity }), check.violations }
      place[key] = #samples
    end
  end
  return samples
end

--- The run as metrics.
---@param run pghost.report.Run
---@return string
function M.of(run)
  local out, own = {}, with(run)
  family(out, "run_id", "Number of the last run", { { own, run.run_id } })
  family(out, "run_published", "Whether the last run published: 1 or 0", { { own, run.state == "published" and 1
    or 0 } })
  family(out, "run_start_time_seconds", "When the last run started, seconds since 1970", { { own, run.started_epoch } })
  family(out, "run_end_time_seconds", "When the last run ended, seconds since 1970",
    run.finished_epoch and { { own, run.finished_epoch } } or {})
  family(out, "run_duration_seconds", "How long the last run took", { { own, run.seconds } })
  family(out, "files", "Files read", by_table(run, "files"))
  family(out, "read_bytes", "Bytes read", by_table(run, "bytes"))
  family(out, "records", "Records by what became of them", records(run))
  family(out, "checks_failed", "Checks that failed, by severity", {
    { with(run, { "severity", "error" }), run.failed }, { with(run, { "severity", "warn" }), run.warned } })
  family(out, "check_violations", "Violations of each check, 0: passed", checks(run))
  return table.concat(out)
end

return M
