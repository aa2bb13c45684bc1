-- Pipelines started at once: one runs, the others say so, and the result is as if in order.

local concurrency = require "faults.concurrency"
local fixture = require "support.fixture"
local server = require "support.server"
local world = require "faults.world"

describe("pipelines started at once", function()
  local here

  fixture.once(function(keep)
    here = keep(world.new(server.get()))
  end)

  for _, count in ipairs { 2, 10 } do
    it(("%d: while one runs the others say who"):format(count), function()
      concurrency.while_one_runs(here, count, "concurrency")
    end)

    it(("%d: whoever is first runs"):format(count), function()
      concurrency.all_at_once(here, count, "concurrency")
    end)

    it(("%d with --wait: all run"):format(count), function()
      concurrency.all_wait(here, count, "concurrency")
    end)
  end

  it("two different ones into one schema", function()
    concurrency.two_names(here, "concurrency")
  end)
end)
