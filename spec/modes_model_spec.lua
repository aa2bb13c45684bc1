-- Random sequences of loads against a model of what the table must hold: files come, change, go, are renamed and
-- come again, with rejected records and keys that are there several times.
--
-- The model knows nothing of hashes and ledgers: a file whose place has what it had the last time says nothing; any
-- other file is applied in its order. What is left out because its content is known must make no difference.
--
-- PGHOST_SPEC_SEQUENCES: how many of each kind; PGHOST_SPEC_SEED: of the first.

local lists = require "pghost.lib.lists"
local modes = require "support.modes"
local upsert = require "pghost.modes.upsert"
local new_seed = require "support.seed"

local sequences = tonumber(os.getenv "PGHOST_SPEC_SEQUENCES") or 2
local first_seed = new_seed()
local steps = 6

local world = modes.world()
local random = math.random

local limits, none = upsert.limits, { least_rows = 0, most_unchanged = 1 }

-- Files ---------------------------------------------------------------------------------------------

-- A good record, or one whose price is none.
local function random_record()
  return { id = random(1, 8), name = "n" .. random(1, 3), price = random(1, 5) == 1 and "oops" or random(1, 2) }
end

local function random_content()
  local records = { { id = random(1, 8), name = "n" .. random(1, 3), price = 1 } } -- no table may become empty
  for _ = 1, random(0, 4) do
    records[#records + 1] = random_record()
  end
  local lines = { "id,name,price" }
  for _, record in ipairs(records) do
    lines[#lines + 1] = ("%d,%s,%s"):format(record.id, record.name, record.price)
  end
  return { text = table.concat(lines, "\n") .. "\n", records = records }
end

local names_of = lists.sorted_keys

-- Something happens to the files of a folder; `past` are contents that there were.
local function happen(files, past)
  local names = names_of(files)
  local name = names[random(1, math.max(#names, 1))]
  local what = #names == 0 and 1 or random(1, 7)
  local content = random(1, 3) == 1 and #past > 0 and past[random(1, #past)] or random_content()
  if what <= 2 then
    files["f" .. random(1, 6) .. ".csv"] = content
  elseif what <= 4 then
    files[name] = content
  elseif what == 5 and #names > 1 then
    files[name] = nil
  elseif what == 6 then
    files["f" .. random(1, 6) .. ".csv"] = files[name]
  end
  past[#past + 1] = content
end

local function write(files)
  os.execute("rm -f " .. world.folder .. "/*.csv")
  for name, content in pairs(files) do
    world:write(name, content.text)
  end
end

-- The model -----------------------------------------------------------------------------------------

local function key_of(record)
  return record.name .. "|" .. record.price
end

-- Keys with their last good record, and those that are only in rejects.
local function read(contents, first_stays)
  local good, held = {}, {}
  for _, content in ipairs(contents) do
    for _, record in ipairs(content.records) do
      if record.price == "oops" then
        held[record.id] = true
      elseif not (first_stays and good[record.id]) then
        good[record.id] = key_of(record)
      end
    end
  end
  return good, held
end

-- What the files say that was not said before; all of them where they are all there is.
local function news(model, names, files, whole)
  local contents = {}
  for _, name in ipairs(names) do
    if whole or model.places[name] ~= files[name].text then
      contents[#contents + 1] = files[name]
    end
    model.places[name] = files[name].text
  end
  return contents
end

local apply = {}

function apply.append(model, good)
  for id, value in pairs(good) do
    model.now[id] = model.now[id] or value
  end
end

function apply.merge(model, good, held, missing)
  for id in pairs(missing ~= "keep" and model.now or {}) do
    if not good[id] and not held[id] then
      model.gone[id] = missing == "mark" and (model.gone[id] or model.now[id]) or nil
      model.now[id] = nil
    end
  end
  for id, value in pairs(good) do
    model.now[id], model.gone[id] = value, nil
  end
end

function apply.history(model, good, held, missing)
  for id in pairs(missing == "close" and model.now or {}) do
    if not good[id] and not held[id] then
      model.now[id] = nil
    end
  end
  for id, value in pairs(good) do
    if model.now[id] ~= value then
      model.states[id] = (model.states[id] or "") .. ">" .. value
    end
    model.now[id] = value
  end
end

local function lines_of(map)
  local lines = {}
  for id, value in pairs(map) do
    lines[#lines + 1] = id .. "|" .. value
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- What is asked of the server, and what the model says to it.
local shown = {
  append = { { "now", "SELECT id || '|' || name || '|' || price::int FROM item ORDER BY 1" } },
  history = {
    { "now", "SELECT id || '|' || name || '|' || price::int FROM item WHERE _valid_to IS NULL ORDER BY 1" },
    { "states", [[SELECT id || '|' || string_agg('>' || name || '|' || price::int, '' ORDER BY _valid_from)
      FROM item GROUP BY id ORDER BY 1]] },
    { "wrong", [[SELECT id FROM (
      SELECT *, lead(_valid_from) OVER (PARTITION BY id ORDER BY _valid_from) AS next FROM item)
      AS i WHERE _valid_to <= _valid_from OR next < _valid_to OR (next IS NOT NULL AND _valid_to IS NULL)]] },
  },
  marked = {
    { "now", "SELECT id || '|' || name || '|' || price::int FROM item WHERE _deleted_at IS NULL ORDER BY 1" },
    { "gone", "SELECT id || '|' || name || '|' || price::int FROM item WHERE _deleted_at IS NOT NULL ORDER BY 1" },
  },
}
shown.merge = shown.append

local kinds = {
  append = { mode = "append", changed = "load", missing = { "keep" } },
  merge = { mode = "merge", missing = { "keep", "keep", "delete" } },
  marked = { mode = "merge", missing = { "mark", "keep", "mark" } },
  history = { mode = "history", missing = { "keep", "keep", "close" } },
}

local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

local function run_sequence(name, kind, seed)
  math.randomseed(seed)
  local files, past = {}, {}
  local model = { places = {}, now = {}, gone = {}, states = {}, wrong = {} }
  for step = 1, steps do
    for _ = 1, step == 1 and 2 or random(0, 2) do
      happen(files, past)
    end
    write(files)
    local missing = step == 1 and kind.missing[1] or kind.missing[random(1, #kind.missing)]
    local names = names_of(files)
    if random(1, 5) == 1 then
      names = { names[random(1, #names)] }
    end
    upsert.limits = random(1, 2) == 1 and none or limits
    local good, held = read(news(model, names, files, missing ~= "keep"), kind.mode == "append")
    apply[kind.mode](model, good, held, missing)
    world:load(names, { mode = kind.mode, missing = missing, changed = kind.changed, max_rejects = "100%" })
    for _, one in ipairs(shown[name]) do
      assert.equal(lines_of(model[one[1]]), sorted(world:ask(one[2])), ("%s, seed %d, step %d, missing %s: %s"):format(
        name, seed, step, missing, one[1]))
    end
  end
end

describe("random sequences of loads", function()
  setup(function()
    world:open()
  end)

  teardown(function()
    upsert.limits = limits
    world:close()
  end)

  for name, kind in pairs(kinds) do
    it("leave the table as the model has it: " .. name, function()
      for seed = first_seed, first_seed + sequences - 1 do
        world:clear()
        local done, problem = pcall(run_sequence, name, kind, seed)
        world:remove()
        if not done then
          error(type(problem) == "table" and problem or ("seed %d: %s"):format(seed, tostring(problem)), 0)
        end
      end
    end)
  end
end)
