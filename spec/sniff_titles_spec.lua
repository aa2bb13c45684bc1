-- What stands above the names, or looks like names: the table that a person sees in the text, or a refusal.

local auto_read = require "support.auto_read"

local check, refused = auto_read.check, auto_read.refused

local bodies = {
  "id,x/1,2.5/2,3.5/3,4.5",
  "name,town/Ann,Rome/Bob,Oslo/Cid,Bern/Dee,Paris",
  "kunde,ort/Müller,Köln/Schäfer,Bonn",
  "имя,город/Анна,Москва/Борис,Тула/Вера,Омск",
}

local titles = {
  "Sales of the north, all shops; final", "Sales of the north; all shops, final", "Report 2024", "Meetings,",
  '"Report, 2024"', "Sales of the north, all shops\n", "Sales of the north, all shops\n,",
  "Sales of the north, all shops; final\nAs of March", "Sales, north\nMarch, 2024", "Report; final\nDraft",
  "Sales; all shops, north\nMarch 2024\nin euros", "Stock, Bern\n2024, spring", "Stock, Bern\n1, first draft",
  "Umsatz, Nord\nStand, 01.02.2024", "Stock, Bern\nwarehouse, three\nall, of it",
}

describe("a title", function()
  for _, title in ipairs(titles) do
    it(("%q is not part of the table"):format(title), function()
      for _, body in ipairs(bodies) do
        for _, sign in ipairs { ",", ";", "\t" } do
          local text = title .. "\n" .. body:gsub(",", sign):gsub("/", "\n") .. "\n"
          local seen = auto_read.outcome(text)
          assert.is_true(seen == body or seen:find("^refused: .*not clear") ~= nil, text .. "\n" .. seen)
        end
      end
    end)
  end
end)

describe("a first record", function()
  check {
    { "of brackets over few texts is names", "[kunde],[ort]\nMüller,Köln\nSchäfer,Bonn\n",
      "[kunde],[ort]/Müller,Köln/Schäfer,Bonn", refused },
    { "of braces over many texts is names", "{who};{where}\n" .. ("Ann;Rome\nBob;Oslo\n"):rep(20),
      "{who},{where}" .. ("/Ann,Rome/Bob,Oslo"):rep(20), refused },
    { "that numbers the columns is no record", "1,2\nMüller,Köln\nSchäfer,Bonn\n", refused },
    { "that numbers the columns from 0 is no record", "0,1,2\n5,8,9\n7,7,1\n3,6,2\n", refused },
    { "that numbers the columns is no record, in a longer table", "0;1;2\n" .. ("a;5;x\nb;6;y\n"):rep(30), refused },
    { "that numbers the columns over numbers is no record", "1;2\n10;20\n30;40\n50;60\n", refused },
    { "that numbers the columns over decimals is no record", "1,2,3\n1.5,2.5,3.5\n1.5,2.6,3.5\n4.5,3,3\n", refused },
    { "that numbers the columns over ids is no record", "1;2;3\n1;20;7.5\n2;40;8.5\n3;60;9\n", refused },
    { "that counts on below is a record", "1;2;3\n2;5;9\n3;7;7\n", "-/1,2,3/2,5,9/3,7,7" },
    { "of one word above names is none", ",,unit\nCustomer,City,Qty\nAnn,York,3\nBob,Leeds,12\nCy,Bath,5\n",
      refused, "Customer,City,Qty/Ann,York,3/Bob,Leeds,12/Cy,Bath,5" },
    { "with a space after the comma is names", "id, name\n1,Ann\n2,Bob\n", "id,name/1,Ann/2,Bob", refused },
    { "of numbers over numbers is a record", "1,2.5,7\n2,3.5,9\n3,4.5,1\n", "-/1,2.5,7/2,3.5,9/3,4.5,1" },
  }
end)

describe("a record of types below the names", function()
  check {
    { "is no record", "name,a,b\ntext,int,int\nAnn,1,2\nBob,3,4\n", refused },
    { "is no record, of several types", "day;a;b\ndate;int;decimal\n2024-01-02;1;2.5\n2024-01-03;3;4.5\n",
      refused, "day date,a int,b decimal/2024-01-02,1,2.5/2024-01-03,3,4.5" },
    { "is one where its word stands for no value", "name,a,b\nAnn,n/a,n/a\nBob,3,4\nCy,4,5\n",
      "name,a,b/Ann,n/a,n/a/Bob,3,4/Cy,4,5" },
  }
end)

describe("dashes below the names", function()
  check {
    { "are no record, whatever their number", "id,x\n--,-\n1,2.5\n2,3.5\n", refused },
    { "are no record above a single one", "id;x\r\n--;-\r\n1;2.5\r\n", refused },
    { "are values where they are fewer than letters", "id,price\n1,-\n2,5\n3,7\n", "id,price/1,-/2,5/3,7" },
  }
end)
