-- Integers, numeric and floating-point numbers.

local making = require "support.types.making"

local pick, digits, blanks, any_of, words = making.pick, making.digits, making.blanks, making.any_of, making.words

local M = {}

function M.integer()
  local near = pick { 32767, 32768, 2147483647, 2147483648, 0, 1, 9223372036854775807 }
  local text = pick {
    digits(1, 4), digits(1, 6), digits(4, 11), digits(8, 21), "000" .. digits(1, 20),
    ("%d"):format(near - math.random(-2, 2)), "9223372036854775808", "9223372036854775809", "18446744073709551616",
  }
  return blanks(pick { "", "", "-", "+" } .. text)
end

local INTEGERS = {
  "", " ", "-", "+", "0", "-0", "+0", "00", "- 1", "1 2", "--1", "+-1", "0x10", "0b1", "0o7", "1_000", "1.0",
  "1e3", "1,000",
  "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648", "-2147483649",
  "9223372036854775807",
  "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999",
  "18446744073709551617",
  "-18446744073709551615", "00000000000000000000000000001", "１", "1\194\160", "\194\1601", "NULL", "NaN", "1-",
  "\v1\f",
}

function M.decimal()
  local text = pick {
    digits(1, 6), digits(0, 5) .. "." .. digits(0, 5), digits(1, 20) .. "." .. digits(1, 20), digits(1, 60),
    "0." .. ("0"):rep(math.random(0, 12)) .. digits(1, 8), digits(1, 4) .. ("0"):rep(math.random(0, 12)),
    ("9"):rep(math.random(1, 12)) .. "." .. ("9"):rep(math.random(0, 12)), digits(1, 9) .. "." .. pick { "5", "49",
      "50", "05", "995", "0000" },
    digits(1, 8) .. "." .. digits(0, 8) .. pick { "e", "E" } .. pick { "", "-", "+" } .. digits(1, 2),
    digits(1, 3) .. "e" .. pick { "", "-" } .. math.random(0, 400),
  }
  return blanks(pick { "", "", "-", "+" } .. text)
end

local DECIMALS = {
  "1234567890123.12", "123456789012.12", "12345678901234.1", "1000000000000", "-999999999999.9999",
  "999999999999.99995",
  "", " ", ".", "-", "+", "-.", "1.", ".1", "-.5", "+.5", "..1", "1..", "1.2.3", "1e", "1e+", "1e-", "e5", ".e5",
  "1.e5", ".1e5", "1e5.5", "1e 5",
  "1e\n5", "1 e5", "0", "-0", "+0", "0.0", "-0.00", "000.100", "0e0", "0e10", "0e-10", "1e10", "1e-10", "NaN",
  "nan", "NAN", "-NaN", "+nan", "nan(1)",
  "nan()", " NaN ", "inf", "-inf", "+inf", "Infinity", "-Infinity", "+Infinity", "infinit", "infinityx", "in",
  "INFINITY", " -inf ", "- inf", "0x10",
  "0x1p3", "1_000", "1,5", "1'000", "$1", "1e400", "-1e400", "1e-400", "1e308", "1.7976931348623157e308",
  "1.7976931348623159e308",
  "4.9e-324", "2.4e-324", "2.5e-324", "2.2250738585072014e-308", "1e-310", "3.4028235e38", "3.4028236e38",
  "3.5e38", "1.4e-45", "0.7e-45", "0.6e-45", "1e-40",
  "1e-46", "16777217", "9007199254740993", "9007199254740992", "0.1", "0.3", "123456789012345678", "1e22", "1e23",
  "0.1e23", "100e-2", "8.5e-1",
  "1e131071", "1e131072", "9.99e131071", "0.9e131072", "1e-16383", "1e-16384", "1e-16390", "0e-16383", "0e-16384",
  "0e1000000", "1e1000000000",
  "0e1000000000", "1e-1000000000", "0e-1000000000", "0e1073741822", "0e1073741823", "0e1073741824",
  "0e-1073741822", "0e-1073741823", "0e2147483647",
  "0e2147483648", "1e-2147483648", "0e99999999999999999999", "0e-99999999999999999999", "1e-99999999999999999999",
  "0." .. ("9"):rep(300),
  ("9"):rep(300) .. ".5", ("1"):rep(400), "0." .. ("0"):rep(400) .. "1", "9999.5", "99999.5", "0.00005", "-0.004",
  "-0.005", "0.005", "0.0049999",
  "49", "50", "-50", "449", "450", "149.999", "1000000000000000", "9999999999999999", "99999999999999999",
  "0.0000000000000001", "99999999.994", "99999999.995",
  "９", "1\194\160",
}

-- At the limits of numeric, in full.
local HUGE = {
  ("9"):rep(131072), ("9"):rep(131073), ("0"):rep(131080) .. "1", "0." .. ("0"):rep(16382) .. "1",
  "0." .. ("0"):rep(16383) .. "1",
  table.unpack(DECIMALS),
}

local function number_shape(extra)
  return making.either(
    function(text)
      local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
      local mantissa = bare:match("^[+-]?([%d.]+)$") or bare:match("^[+-]?([%d.]+)[eE][+-]?%d+$")
      return mantissa ~= nil and mantissa:find("%d") ~= nil
    end,
    words(extra)
  )
end

M.integer_shape = any_of { "[+-]?%d+" }
M.decimal_shape = number_shape "nan inf +inf -inf infinity +infinity -infinity"

local INTEGER = "0123456789-+ .x"
local DECIMAL = "0123456789-+ .eE,x"

M.types = {
  { name = "smallint", send = "int2send", make = M.integer, alphabet = INTEGER, picked = INTEGERS,
    shape = M.integer_shape },
  { name = "integer", send = "int4send", make = M.integer, alphabet = INTEGER, picked = INTEGERS,
    shape = M.integer_shape },
  { name = "bigint", send = "int8send", make = M.integer, alphabet = INTEGER, picked = INTEGERS,
    shape = M.integer_shape },
  { name = "numeric", send = "numeric_send", make = M.decimal, alphabet = DECIMAL, picked = HUGE,
    shape = M.decimal_shape, count = 3000 },
  { name = "real", send = "float4send", make = M.decimal, alphabet = DECIMAL, picked = DECIMALS,
    shape = M.decimal_shape },
  { name = "double precision", send = "float8send", make = M.decimal, alphabet = DECIMAL, picked = DECIMALS,
    shape = M.decimal_shape },
}

for _, modifier in ipairs { "10,2", "5,0", "3,3", "2,5", "4,-2", "38,10", "1000,500", "1,0", "16,4" } do
  M.types[#M.types + 1] = { name = ("numeric(%s)"):format(modifier), send = "numeric_send", make = M.decimal,
    alphabet = DECIMAL, picked = modifier == "1000,500" and HUGE or DECIMALS, shape = M.decimal_shape, count = 400 }
end

return M
