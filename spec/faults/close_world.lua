-- Ends a world of these specs: its connection `db`, if there is one, and its `folder`. It can be called twice.

local pghost = require "support.pghost"

return function(self)
  if self.db then
    self.db:close()
    self.db = nil
  end
  if self.folder then
    pghost.remove(self.folder)
    self.folder = nil
  end
end
