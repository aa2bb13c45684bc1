local server = require "support.server"

describe("the spec server", function()
  it("answers", function()
    assert.equal("42", server.get():psql("select 40 + 2"))
  end)
end)
