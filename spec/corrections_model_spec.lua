-- Random sequences of loading, fixing, waiving, reverting and renaming, in each mode, against a model of what the table
-- and the accounts must be then.

local lists = require "pghost.lib.lists"
local project = require "support.project"

local seeds, steps = tonumber(os.getenv "PGHOST_SPEC_SEQUENCES") or 2, 9

local rules = [[
  local r = require "pghost.rules"
  return r.table("item", { { "id", r.bigint():required() }, { "price", r.bigint():required() } }%s)
]]

local script = [[
  local pipeline = require "pghost.pipeline"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item*.csv", require "rules", { mode = "%s" })
  run:publish()
]]

-- The model: contents of files, what was decided on their records, which run has read them, and the table.
local Model = {}
Model.__index = Model

function Model:__close()
  self.here:remove()
end

function Model:must(...)
  local out, err, code = self.here:pghost(...)
  self.trail[#self.trail + 1] = table.concat({ ... }, " ")
  assert.equal(0, code, table.concat(self.trail, "\n") .. "\n" .. err)
  return out, err
end

local function new(seed, mode, key)
  math.randomseed(seed)
  local self = setmetatable({ mode = mode, contents = {}, table = {}, next_id = 1, next_name = 1, runs = 0, trail = {},
    here = project.new { ["rules.lua"] = rules:format(key and ', { key = "id" }' or ""),
      ["pipeline.lua"] = script:format(mode) } }, Model)
  return self
end

-- A file of a few records, every second one or so wrong.
function Model:add_file()
  local content, lines = { records = {}, name = ("item_%02d.csv"):format(self.next_name) }, { "id,price" }
  self.next_name = self.next_name + 1
  for _ = 1, math.random(2, 5) do
    local good = math.random() < 0.5 or #lines == 1
    content.records[#content.records + 1] = { id = self.next_id, good = good }
    lines[#lines + 1] = ("%d,%s"):format(self.next_id, good and "1" or "x")
    self.next_id = self.next_id + 1
  end
  self.here:write(content.name, table.concat(lines, "\n") .. "\n")
  self.contents[#self.contents + 1] = content
end

-- What a run makes of a file that it reads.
function Model:read(content)
  content.run, content.loaded_as = self.runs, content.name
  for _, record in ipairs(content.records) do
    if record.good then
      self.table[record.id] = 1
    elseif type(record.decision) == "number" then
      self.table[record.id], record.state = record.decision, "corrected"
    else
      record.state = record.decision or "open"
    end
  end
end

function Model:load()
  self:must "pipeline.lua"
  self.runs = self.runs + 1
  if self.mode == "replace" then
    self.table = {}
  end
  for _, content in ipairs(self.contents) do
    if self.mode == "replace" or not content.run then
      self:read(content)
    end
  end
end

-- Records of the file of one run that are in this state.
local function of_state(content, state)
  local list = {}
  for _, record in ipairs(content.records) do
    list[#list + 1] = record.state == state and record or nil
  end
  return list
end

function Model:any()
  local read = {}
  for _, content in ipairs(self.contents) do
    read[#read + 1] = content.run and content or nil
  end
  return read[math.random(#read)]
end

function Model:fix()
  local content = self:any()
  local open = of_state(content, "open")
  if #open == 0 then
    return
  end
  local run = tostring(content.run)
  self:must("rejects", run, "--file", content.loaded_as, "--csv", "bad.csv", "--force")
  local text = self.here:read "bad.csv"
  for _, record in ipairs(open) do
    if math.random() < 0.6 then
      local price = math.random(10, 99)
      text = text:gsub(("\n%d,x,"):format(record.id), ("\n%d,%d,"):format(record.id, price))
      record.decision, record.state, self.table[record.id] = price, "corrected", price
    end
  end
  self.here:write("bad.csv", text)
  self:must("fix", run, "bad.csv")
  self.runs = self.runs + 1
  local _, err = self:must("fix", run, "bad.csv") -- takes nothing in twice
  self.runs = self.runs + (err:find("nothing to do", 1, true) and 0 or 1)
end

function Model:waive()
  local content = self:any()
  self:must("rejects", tostring(content.run), "--file", content.loaded_as, "--waive", "why not")
  for _, record in ipairs(of_state(content, "open")) do
    record.state, record.decision = "waived", "waived"
  end
end

function Model:revert()
  local content = self:any()
  local state = math.random() < 0.5 and "waived" or "corrected"
  self:must("rejects", tostring(content.run), "--file", content.loaded_as, "--revert", "--" .. state)
  for _, record in ipairs(of_state(content, state)) do
    record.decision = nil
    record.state = state == "waived" and "open" or "corrected"
  end
end

function Model:rename()
  local content = self.contents[math.random(#self.contents)]
  local name = ("item_%02d.csv"):format(self.next_name)
  self.next_name = self.next_name + 1
  assert(os.rename(self.here.folder .. "/" .. content.name, self.here.folder .. "/" .. name))
  content.name = name
end

local function sorted_rows(map)
  local list = lists.sorted_keys(map)
  for i, id in ipairs(list) do
    list[i] = id .. "|" .. map[id]
  end
  return table.concat(list, "\n")
end

function Model:check()
  local trail = table.concat(self.trail, "\n")
  assert.equal(sorted_rows(self.table), self.here:ask "SELECT id, price FROM item ORDER BY id, price", trail)
  for _, content in ipairs(self.contents) do
    local states = {}
    for i, record in ipairs(content.records) do
      states[#states + 1] = content.run and record.state and ("%d|%s"):format(i + 1, record.state) or nil
    end
    assert.equal(table.concat(states, "\n"), self.here:ask(([[
      SELECT r.line, r.state FROM pghost.rejects AS r JOIN pghost.files AS f USING (file_id)
      WHERE r.run_id = %d AND f.name = '%s' ORDER BY r.line]]):format(content.run or 0, content.loaded_as or "")),
      trail)
  end
  assert.equal("0", self.here:ask [[SELECT count(*) FROM pghost.files WHERE state = 'loaded'
    AND records <> loaded + corrected + rejected + waived + filtered + duplicates]], trail)
end

local operations = { "load", "fix", "waive", "revert", "rename", "fix", "load" }

local function play(seed, mode, key)
  local model <close> = new(seed, mode, key)
  model:add_file()
  model:load()
  for _ = 1, steps do
    if math.random() < 0.25 then
      model:add_file()
    end
    model[operations[math.random(#operations)]](model)
    model:check()
  end
  model:load()
  model:check()
end

describe("corrections, by a model,", function()
  for _, mode in ipairs { "replace", "append", "merge", "history" } do
    it("hold in mode " .. mode, function()
      for seed = 1, seeds do
        play(seed, mode, mode ~= "append" or seed % 2 == 0)
      end
    end)
  end
end)
