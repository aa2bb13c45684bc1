-- Runs works in rounds, in turn, and prints what they took as a Markdown table.
--
-- A work is { name=, command=, per=?, table=?, rows=? }: `per` names the works that its wall time is
-- divided by; `rows` must be in `table` afterwards; `prepare(round)` is called before each
-- turn, untimed.
-- Turns keep a slow minute of the machine from falling on one work alone.

local clock = require "measure.clock"
local lists = require "pghost.lib.lists"

local M = {}

local function median_of(samples, field)
  local values = {}
  for i, sample in ipairs(samples) do
    values[i] = sample[field]
  end
  return clock.median(values)
end

-- What is wrong with the table that a work has loaded; nil: nothing.
local function wrong_table(work, server)
  local rows = work.table and tonumber(server:psql("select count(*) from " .. work.table))
  if rows and rows ~= work.rows then
    return ("%d rows in %s, not %d"):format(rows, work.table, work.rows)
  end
end

local function run_once(work, server, round)
  if work.prepare then
    work.prepare(round)
  end
  server:psql "checkpoint"
  local sample, problem = clock.time(work.command)
  problem = problem or wrong_table(work, server)
  if problem then
    io.stderr:write(("failed: %s\n%s\n%s\n"):format(work.name, work.command, problem))
    work.failed = true
    return
  end
  work.samples[#work.samples + 1] = sample
  local line = "  %-40s %6.2f s wall %6.2f s cpu %6.1f MiB\n"
  io.stderr:write(line:format(work.name, sample.wall, sample.cpu, sample.rss))
end

---@param works table[] get `.wall`, `.cpu`, `.rss`: medians; nothing where a work failed
function M.run(works, rounds, server)
  for _, work in ipairs(works) do
    work.samples = {}
  end
  for round = 1, rounds do
    io.stderr:write(("round %d of %d\n"):format(round, rounds))
    for _, work in ipairs(works) do
      if not work.failed then
        run_once(work, server, round)
      end
    end
  end
  for _, work in ipairs(works) do
    if not work.failed then
      for _, field in ipairs { "wall", "cpu", "rss" } do
        work[field] = median_of(work.samples, field)
      end
    end
  end
end

local function ratios(works, work)
  local parts = {}
  for _, name in ipairs(work.per or {}) do
    local other = lists.named(works, name)
    if other and other.wall and other.wall > 0 then
      parts[#parts + 1] = ("%.2f of %s"):format(work.wall / other.wall, name)
    end
  end
  return table.concat(parts, "; ")
end

---@param title string
---@param records? integer of each work, for the time per record
function M.print(title, works, records)
  print(("\n### %s\n"):format(title))
  print "| work | wall s | ratio | client CPU s | peak RSS MiB | µs a record |"
  print "|---|---:|---|---:|---:|---:|"
  for _, work in ipairs(works) do
    local count = work.rows or records
    if work.wall then
      local per_record = count and ("%.2f"):format(work.wall / count * 1e6) or ""
      local line = "| %s | %.2f | %s | %.2f | %.1f | %s |"
      print(line:format(work.name, work.wall, ratios(works, work), work.cpu, work.rss, per_record))
    else
      print(("| %s | failed | | | | |"):format(work.name))
    end
  end
end

return M
