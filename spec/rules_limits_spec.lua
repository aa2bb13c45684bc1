-- Rules at the limits of what they take: the shortest, the longest, none at all, and reasons that are longer than a
-- reject has room for.

local native = require "pghost.native.rules"
local r = require "pghost.rules"
local tried = require "support.tried"

describe("a rule that lacks its values is refused:", function()
  for what, case in pairs {
    ["one_of without values"] = { function() return r.text():one_of() end, "one_of: at least one value expected" },
    ["range without bounds"] = { function() return r.integer():range() end,
      "range: a minimum, a maximum or both expected" },
    ["length upside down"] = { function() return r.text():length(5, 2) end, "length minimum is above the maximum" },
    ["decimal without a mark"] = { function() return r.numeric():decimal("") end,
      "decimal: one character before the decimals expected, got ''" },
    ["decimal with a digit for a mark"] = { function() return r.numeric():decimal("5") end,
      "decimal needs a mark before the decimals, not '5'" },
    ["decimal with a digit"] = { function() return r.numeric():decimal(",", "1") end,
      "decimal needs a mark between thousands, not '1'" },
    ["an enum without labels"] = { function() return r.enum {} end, "enum: at least one value expected" },
  } do
    it(what, function()
      local ok, message = pcall(function()
        return r.table("t", { { "x", case[1]() } })
      end)
      assert.is_false(ok)
      assert.is_truthy(tostring(message):find(case[2], 1, true), tostring(message))
    end)
  end
end)

describe("a length", function()
  it("counts characters, not bytes, at both ends", function()
    local column = r.text():length(2, 3)
    for value, good in pairs { ["a"] = false, ["ab"] = true, ["abc"] = true, ["abcd"] = false, ["é"] = false,
      ["éé"] = true, ["ééé"] = true, ["éééé"] = false, ["€€€"] = true } do
      assert.equal(good and value or nil, (tried.value(column, value)), value)
    end
  end)
end)

describe("a reason", function()
  it("lists eight labels of an enum, and says how many there are", function()
    local labels = {}
    for i = 1, 9 do
      labels[i] = "l" .. i
    end
    assert.equal("not one of 'l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'l8', ... (9 labels): 'x'",
      (tried.reason_of(r.enum(labels), "x")))
    labels[9] = nil
    assert.equal("not one of 'l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'l8': 'x'",
      (tried.reason_of(r.enum(labels), "x")))
  end)

  it("that is too long ends after a whole character", function()
    for size = 60, 63 do
      local labels = {}
      for i = 1, 8 do
        labels[i] = ("x"):rep(size % 2) .. ("é"):rep(size // 2 - 1) .. i
      end
      local reason = tried.reason_of(r.enum(labels), "y")
      assert.is_true(#reason <= 511 and #reason > 490, #reason)
      assert.is_truthy(utf8.len(reason), reason)
    end
  end)
end)

describe("two formats of one column", function()
  it("that read different dates make a value ambiguous; the same date is none", function()
    local column = r.date { format = { "DD/MM/YYYY", "MM/DD/YYYY" } }
    assert.equal("05/05/2024", (tried.value(column, "05/05/2024")))
    assert.equal("31/12/2024", (tried.value(column, "31/12/2024")))
    assert.is_truthy((tried.reason_of(column, "01/02/2024")):find("ambiguous", 1, true))
  end)
end)

describe("upper and lower", function()
  it("leave ASCII signs beside the letters alone", function()
    assert.equal("@AZ[`AZ{", (tried.value(r.text():upper(), "@AZ[`az{")))
    assert.equal("@az[`az{", (tried.value(r.text():lower(), "@AZ[`az{")))
  end)
end)

it("every type has a function that reads NULL as no value", function()
  for _, kind in ipairs(native.types()) do
    assert.is_nil((tried.value(r[kind.name:match "^%S+"](), nil)), kind.name)
  end
end)
