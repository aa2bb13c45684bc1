-- Arrays of other types.

local datetime = require "support.types.datetime"
local interval = require "support.types.interval"
local making = require "support.types.making"
local network = require "support.types.network"
local number = require "support.types.number"

local pick, blanks = making.pick, making.blanks

local M = {}

local function array_text(one, depth)
  local out = {}
  for i = 1, math.random(20) == 1 and 1 or 2 do
    out[i] = depth > 1 and array_text(one, depth - 1) or one()
  end
  return "{" .. table.concat(out, pick { ",", ",", ", ", " ,\n" }) .. "}"
end

local function array_of(make)
  local function one()
    local text = pick { make, make, make, function()
      return pick { "NULL", "null", "Null", '"NULL"', "", '""' }
    end }()
    if math.random(3) == 1 then
      return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
    end
    return text
  end
  return function()
    if math.random(3) == 1 then
      local out = {}
      for i = 1, math.random(0, 5) do
        out[i] = one()
      end
      return blanks("{" .. table.concat(out, ",") .. "}")
    end
    return blanks(array_text(one, math.random(3)))
  end
end

local function element()
  return pick { "a", "b c", "é", "x\ty", "a'b", "", "\\", '"', "{", "}", ",", "NULL", "a b ", " c", "1", "\n",
    "word", "more", "two words" }
end

local ARRAYS = {
  "", " ", "{}", " { } ", "{ }", "{", "}", "{}}", "{{}}", "{{},{}}", "{,}", "{1,}", "{,1}", "{1,2}", "{1 , 2}",
  "{1 2}", "{1;2}", "{NULL}", "{null,NULL,NuLL}", '{"NULL"}', "{nulls}", "{{1,2},{3,4}}", "{{1,2},{3}}",
  "{{1},2}", "{1,{2}}", "{{1,2},NULL}", "{{{{{{1}}}}}}", "{{{{{{{1}}}}}}}", "[2:3]={1,2}", "[0:1]={1,2}", "1,2",
  "{1,2} x", "x {1,2}", '{"1","2"}', '{"1"2}', '{1"2"}', '{"1" }', '{ "1"}', '{"1""2"}', '{"1}', '{"1\\', "{\\1}",
  '{"\\1"}', "{a\\,b}", '{"a\\"b"}', '{"a\\\\b"}', '{""}', '{"", ""}', "{\t1\n}", "{a b , c d}", "{32768}",
  "{9223372036854775808}", "{{1,2},{3,4}", "{1,2}}", "{{1,2}{3,4}}", "{2024-01-02 03:04:05}",
  '{"2024-01-02 03:04:05+02",NULL}', "{0b1}", "{1.5}", "{\194\1601}", '{"1', '{"\\"}',
}

-- No lower bounds, no backslash outside of quotes, no braces without anything but the empty array.
local function array_shape(element_shape)
  return function(text)
    local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
    if bare:sub(1, 1) ~= "{" then
      return false
    end
    local good = true
    local out, i = {}, 1
    while i <= #bare do
      local c = bare:sub(i, i)
      if c == '"' then
        local j, content = i + 1, {}
        while j <= #bare and bare:sub(j, j) ~= '"' do
          if bare:sub(j, j) == "\\" then
            j = j + 1
          end
          content[#content + 1] = bare:sub(j, j)
          j = j + 1
        end
        good = good and (not element_shape or element_shape(table.concat(content)))
        out[#out + 1] = "Q"
        i = j + 1
      elseif c:find("[{},]") then
        out[#out + 1] = c
        i = i + 1
      else
        local run = bare:match('^[^{},"]+', i)
        local bare_run = run:match("^[ \t-\r]*(.-)[ \t-\r]*$")
        if bare_run ~= "" then
          good = good and not run:find("\\", 1, true)
          good = good and (bare_run:lower() == "null" or not element_shape or element_shape(bare_run))
          out[#out + 1] = "U"
        end
        i = i + #run
      end
    end
    local skeleton = table.concat(out)
    return good and (skeleton == "{}" or not skeleton:find("{}", 1, true))
  end
end

local numbers <const> = '{}", 1-NULL'
local addresses <const> = '{}", 1.NULL'
local words <const> = '{}", \\aNULL'

local function array(of, make, alphabet, shape, count)
  return { name = of .. "[]", send = "array_send", make = array_of(make), alphabet = alphabet, picked = ARRAYS,
    shape = array_shape(shape), count = count, spellings = true }
end

M.types = {
  array("smallint", number.integer, numbers, number.integer_shape, 500),
  array("integer", number.integer, numbers, number.integer_shape, 500),
  array("bigint", number.integer, numbers, number.integer_shape),
  array("text", element, words),
  array("timestamptz", datetime.zoned, numbers, datetime.zoned_shape),
  array("numeric(10,2)", number.decimal, numbers, number.decimal_shape, 500),
  array("varchar(3)", element, words, nil, 500),
  array("date", datetime.date, numbers, datetime.date_shape, 500),
  array("inet", network.address, addresses, network.address_shape, 500),
  array("interval", interval.interval, addresses, interval.shape, 500),
}

return M
