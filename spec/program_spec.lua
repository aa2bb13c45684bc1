-- One scratch over thousands of records, as a load does it: nothing of a record may reach the next.
-- Verdicts and counts must be those of single tries, bytes those of the server's send functions.

local driver = require "support.type_driver"
local r = require "pghost.rules"
local server = require "support.server"

-- The program of spec/c/program_driver.c.
local rules = r.table("t", {
  { "amount", r.numeric(8, 2):trim():null_if({ "", "null" }, { ignore_case = true }):range(-100, 100):on_fail("null") },
  { "name", r.text():lower():replace("a", "xyz"):matches("^[a-z ]*$") },
  { "code", r.uuid():required() },
  { "day", r.date() },
})

local names = { "amount", "name", "code", "day" }

local function pick(list)
  return list[math.random(#list)]
end

local function random_record()
  return {
    amount = pick { "1.5", " 99.995 ", "-7", "NULL", "", "abc", "100.01", ("%.3f"):format(math.random() * 90) },
    name = pick { "", "Anna", "ABC abc", "aaaa", "x1", ("a"):rep(math.random(1, 3000)), "bcd" },
    code = pick { "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A12", "nope" },
    day = pick { "2024-02-29", "2024-02-30", "1999-12-31" },
  }
end

local function records()
  math.randomseed(42)
  local list = {}
  for i = 1, 3000 do
    list[i] = random_record()
    list[i][pick(names)] = nil
  end
  return list
end

local function run_driver(list)
  local file_name = os.tmpname()
  local file = assert(io.open(file_name, "w"))
  for _, record in ipairs(list) do
    local words = {}
    for i, name in ipairs(names) do
      words[#names + 1 - i] = record[name] and driver.hex(record[name]) or "-"
    end
    file:write(table.concat(words, " "), "\n")
  end
  file:close()
  local path = server.shell("readlink /proc/$PPID/exe"):gsub("[^/]*$", "program_driver")
  local answers = {}
  for line in (server.shell(path .. " < " .. file_name) .. "\n"):gmatch("(.-)\n") do
    answers[#answers + 1] = line
  end
  os.remove(file_name)
  return answers
end

local sends = {
  amount = "numeric_send(%s::numeric(8,2))",
  name = "textsend(%s)",
  code = "uuid_send(%s::uuid)",
  day = "date_send(%s::date)",
}

-- The binary COPY fields of cleaned records, in hexadecimal digits.
local function server_bytes(cleaned)
  local rows, fields = {}, {}
  for i, record in ipairs(cleaned) do
    local cells = { tostring(i) }
    for _, name in ipairs(names) do
      cells[#cells + 1] = record[name] and "'" .. record[name] .. "'" or "null"
    end
    rows[i] = "(" .. table.concat(cells, ",") .. ")"
  end
  for i, name in ipairs(names) do
    local bytes = sends[name]:format(name)
    fields[i] = ("coalesce(encode(int4send(length(%s)) || %s, 'hex'), 'ffffffff')"):format(bytes, bytes)
  end
  local sql = "with cleaned(i, amount, name, code, day) as (values %s) select %s from cleaned order by i"
  local out = server.get():psql(sql:format(table.concat(rows, ","), table.concat(fields, " || ")))
  local lines = {}
  for line in (out .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

describe("a program over many records", function()
  local list = records()
  local answers = run_driver(list)

  it("gives the bytes the server would send, and the reasons of a single try", function()
    local cleaned, passed = {}, {}
    for i, record in ipairs(list) do
      local result, failure = rules:try(record)
      if result then
        cleaned[#cleaned + 1], passed[#passed + 1] = result, answers[i]
      else
        local column = ({ amount = 0, name = 1, code = 2, day = 3 })[failure.column]
        assert.equal(("%d %s %s"):format(column, failure.rule, failure.reason), answers[i])
      end
    end
    local expected = server_bytes(cleaned)
    assert.equal(#expected, #passed)
    for i, bytes in ipairs(expected) do
      assert.equal(bytes, passed[i])
    end
    assert.is_true(#passed > 500 and #passed < 2000, #passed)
  end)

  it("counts what cleaning changed in records that passed", function()
    local expected = {}
    for _, record in ipairs(list) do
      local result, changes = rules:try(record)
      for _, change in ipairs(result and changes or {}) do
        local key = change.column .. " " .. change.rule
        expected[key] = (expected[key] or 0) + 1
      end
    end
    local counted = 0
    for i = #list + 1, #answers do
      local key, count = answers[i]:match("^(.*): (%d+)$")
      assert.equal(expected[key] or 0, tonumber(count), key)
      counted = counted + tonumber(count)
    end
    assert.is_true((expected["amount range (null)"] or 0) > 50)
    assert.is_true((expected["amount type (null)"] or 0) > 50)
    assert.is_true((expected["name lower"] or 0) > 50)
    assert.is_true(counted > 1000)
  end)
end)
