# Texts of many languages in many encodings, for spec/sniff_encoding_spec.lua.
#
# write FOLDER SEED: the files, and a list of them: path, encoding, rows.
# judge FOLDER: reads "path TAB found TAB sure" lines; decodes each file as found, and says how many are right, refused
# and wrong, then those that are wrong.
import os, random, sys

TEXTS = {
    "de": "Müller|Jürgen Größe|Köln|München|Düsseldorf|Straße|Bäckerei Schröder|für alle|zurück|Fußgänger|über Österreich",
    "fr": "François|Hélène|Besançon|Orléans|café|théâtre|élève|où êtes-vous|forêt|déjà vu|Noël|très bien|société générale",
    "es": "Muñoz|José|María García|Málaga|Cádiz|año|español|Ángel Núñez|León|también|aquí|teléfono|dirección",
    "pt": "João|São Paulo|Conceição|Brasília|informação|não|você|irmão|Açores|código|também|inglês|coração",
    "sv": "Malmö|Göteborg|Åsa Öberg|Västerås|Jönköping|är|på|från|första|hög|Håkan Sjöström|värde|ändra",
    "da": "København|Søren Sørensen|Ærø|Århus|Jørgen|på|første|størrelse|Næstved|Bjørn Kjær|også|gør|tilføj",
    "pl": "Łódź|Kraków|Gdańsk|Wałęsa|Świętochłowice|Grzegorz Brzęczyszczykiewicz|miłość|może|się|książka|żółw|właśnie",
    "cs": "Dvořák|Jiří Němec|Plzeň|Příbram|České Budějovice|žluťoučký kůň|město|není|při|můžete|Ústí|děti",
    "hu": "Győr|Székesfehérvár|Kovács László|Szőke Éva|működés|könyvtár|több|lehetőség|nő|Hódmezővásárhely|fájl",
    "tr": "İstanbul|Şişli|Çağrı Öztürk|Ağrı|güneş|değil|açık|yazılım|kullanıcı|için|doğru|müşteri",
    "ru": "Москва|Иванов Иван|Санкт-Петербург|Нижний Новгород|город|улица Ленина|ошибка|файл не найден|имя",
    "uk": "Київ|Шевченко|Львів|Запоріжжя|помилка|їхній|користувач|місто|Є питання|область",
    "el": "Αθήνα|Θεσσαλονίκη|Παπαδόπουλος|αρχείο|δεν βρέθηκε|όνομα|πόλη|χρήστης|οδός|Γιώργος",
    "he": "תל אביב|ירושלים|שם משפחה|קובץ לא נמצא|עיר|כתובת|משתמש חדש|שגיאה",
    "th": "กรุงเทพ|เชียงใหม่|ชื่อ|ไม่พบแฟ้ม|ผู้ใช้|ที่อยู่|จังหวัด|ข้อผิดพลาด",
    "zh_CN": "北京市|上海|张伟|名称不能为空|文件不存在|用户|地址|深圳市南山区|中国人民",
    "zh_TW": "台北市|高雄|陳小明|檔案不存在|使用者名稱|地址|新竹縣|臺灣大學",
    "ja": "東京都|山田太郎|ファイルが見つかりません|大阪市|名前|ユーザー|住所を入力してください|コーヒー",
    "ko": "서울특별시|김철수|대한민국|파일을 찾을 수 없습니다|부산광역시|사용자 이름|주소",
}
WEST = ["cp1252", "latin-1", "iso8859-15", "mac_roman", "cp850"]
EAST = ["cp1250", "iso8859-2", "cp852"]
CYRILLIC = ["cp1251", "koi8-u", "cp1251", "mac_cyrillic"]
ENCODINGS = {
    "de": WEST, "fr": WEST, "es": WEST, "pt": WEST, "sv": WEST, "da": WEST, "pl": EAST, "cs": EAST, "hu": EAST,
    "tr": ["cp1254", "iso8859-9", "cp857"], "ru": CYRILLIC + ["koi8-r", "cp866", "iso8859-5"], "uk": CYRILLIC,
    "el": ["cp1253", "iso8859-7", "cp737"], "he": ["cp1255", "iso8859-8", "cp862"], "th": ["cp874"],
    "zh_CN": ["gb2312", "gbk", "gb18030"], "zh_TW": ["big5"], "ja": ["shift_jis", "euc_jp", "iso2022_jp"],
    "ko": ["euc_kr", "cp949"],
}
# What iconv calls otherwise than Python.
PYTHON = {"macintosh": "mac_roman", "maccentraleurope": "mac_latin2", "maccyrillic": "mac_cyrillic",
          "windows-874": "cp874", "big5-hkscs": "big5hkscs"}


def table(cells):
    return "id,name,size\n" + "".join("%d,%s,%d\n" % (i + 1, cell, random.randint(1, 999))
                                      for i, cell in enumerate(cells))


def write(folder, seed):
    random.seed(seed)
    with open(folder + "/list", "w") as names:
        for language, text in TEXTS.items():
            for encoding in ENCODINGS[language]:
                for rows in (1, 2, 5, 20, 100):
                    path = "%s/%s_%s_%d" % (folder, language, encoding, rows)
                    cells = [random.choice(text.split("|")) for _ in range(rows)]
                    with open(path, "wb") as out:
                        out.write(table(cells).encode(encoding))
                    names.write("%s\t%s\t%d\n" % (path, encoding, rows))


def judge(folder):
    encodings = dict(line.split("\t")[:2] for line in open(folder + "/list"))
    counts, wrong = {"right": 0, "refused": 0, "wrong": 0}, []
    for line in sys.stdin:
        path, found, sure = line.rstrip("\n").split("\t")
        data = open(path, "rb").read()
        try:
            same = data.decode(PYTHON.get(found, found)) == data.decode(encodings[path])
        except UnicodeDecodeError:
            same = False
        what = "refused" if sure == "no" else "right" if same else "wrong"
        counts[what] += 1
        if what == "wrong":
            wrong.append("%s as %s" % (os.path.basename(path), found))
    print("%(right)d %(refused)d %(wrong)d" % counts, ", ".join(wrong))


if sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]))
else:
    judge(sys.argv[2])
