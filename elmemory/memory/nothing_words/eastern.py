"""The Slavic languages, Hungarian, Greek, Turkish, Indonesian, Vietnamese, Arabic, Persian, Hebrew, Hindi and more."""

EASTERN = """
[pl]
no: nie nigdy bez brak zaden zadna zadne zadnego zadnej nic
give: padlo padla poda* powiedzial* powiedzian* wspomnial* wspomnian* okresl* udzieli* ujawni* zdradzi* wskaz* przekaz*
give: odpowiedz* wie wiem wiadomo informacj* danych dane wymien* zapytan* pytan* przedstaw* poinformowa* sprecyzowa*
give: zidentyfikowa* wyjawi* imienia nazwiska poruszono omowion* zostawi* ustal*
mute: odmowi* wolal* chcial* chce
alone: nieznan* brak_danych brak_informacji nieokreslon* niepodan* n_d nd bezimienny anonimizowane zanonimizowano
alone: niewiadom* brak_odpowiedzi n_a b_d nie_znan* nie_jest_znan* brakuje
none: brak nie_dotyczy nic zaden zadne niedostepn*
name: dzwoniacy dzwoniaca dzwoniacego dzwoniacej rozmowca rozmowczyni klient klientka klienta klientki uzytkownik
name: uzytkowniczka uzytkownika anonim anonimowy anonimowa gosc osoba pani nieznany nieznana imie imienia nazwisko
name: nazwiska ktos nikt pacjent pacjentka kontakt mezczyzna kobieta
fill: elektronicznej poczty poczta tym tego temat jego jej mu w we z ze na do o od dla przez po i lub oraz swojego
fill: swojej swoje swoich ich moje to ta tej te zostal zostala zostalo zostaly byl byla bylo jest sa podczas trakcie
fill: rozmowy rozmowie polaczenia polaczeniu transkrypcji czacie numeru numer telefonu adresu adres e mail email maila
fill: wartosc pole jeszcze wprost powodu powod sie udalo

[ru]
no: не ни нет без никогда ничего никакой никаких
give: указа* предостав* сообщ* назва* упомян* упомин* сказа* говори* раскры* даны дан дана дано дал дала дать дали
give: ответ* отвеч* зна* информац* данны* оговор* уточн* представ* обсужд* спро* озвуч* определ* остав* имени поделил*
give: идентифиц* заполнен* выясн* установ*
mute: отказ* предпоч* захоте* пожела* хочет
alone: неизвест* нет_данных нет_информации неуказан* без_имени безымянн* неопредел* н_д н_у незаполнен* нет_ответа
alone: анонимизировано не_известн* отсутству*
none: не_применимо ничего недоступн*
name: абонент звонящий звонящая звонившии звонившая клиент клиентка пользователь пользовательница аноним анонимный
name: анонимная гость человек собеседник собеседница господин госпожа неизвестный неизвестная неизвестно имя имени
name: фамилия фамилии кто-то никто пациент пациентка мужчина женщина контакт посетитель говорящий сэр мадам
fill: электронную электронный почта в во на о об по от для с со из к и или что это этот эту эта его ее их своего свое
fill: свой свою своей мое было был была были быть ходе время разговора разговоре звонка звонке беседы беседе диалоге
fill: чате номер номера телефон телефона адрес адреса почты почту электронной email e mail причину причина значение
fill: поле пока еще явно себя он она они я у меня расшифровке никак также том удалось отключился отключилась положил
fill: положила трубку

[uk]
no: не ні немає нема без ніколи нічого жодн* ніяк*
give: вказа* зазнач* нада* повідом* назва* згада* згаду* сказа* говори* розкри* дан* дав дала дати відпов* зна*
give: інформац* уточн* представ* обговор* запит* озвуч* визнач* залиш* імені поділи* встанов* з'ясувати з_ясувати
give: ясувати
mute: відмов* вважав захот* бажа* волі*
alone: невідом* немає_даних немає_інформації не_застосовн* не_вказано без_імені безіменн* невизначен* н_д не_відом*
alone: відсутн*
none: немає нічого недоступн*
name: абонент абонентка клієнт клієнтка користувач користувачка анонім анонімний анонімна гість людина особа
name: співрозмовник співрозмовниця пані невідомий невідома невідомо ім я імя імені прізвище хтось ніхто пацієнт
name: пацієнтка чоловік жінка контакт додзвонювач
fill: в у на про по від для з із зі до і й та або що це цей цю ця його її їх свого своє свій свою своєї моє було був
fill: була були бути ході час під розмови розмові дзвінка дзвінку бесіди діалозі чаті номер номера телефон телефону
fill: адресу адреси пошти пошту електронної email e mail причину значення поле поки ще явно себе він вона вони я
fill: вдалося

[cs]
no: nebyl nebyla nebylo nebyly nema nemam ne neni nikdy bez zadny zadna zadne zadneho nic
give: uved* udan* udal* udat sdel* rekl* rekn* zmin* poskyt* uvadi neuved* neudal* neudan* nesdel* neposkyt* nezmin*
give: nerekl* nevi neni_znam* nespecifik* neodpov* nepredstav* odpove* informac* udaj* nezna* neprozrad* nepta* jmeno
give: uvest
mute: odmit* nechtel* nechce
alone: neuved* neudan* neudal* nesdel* neposkyt* nezmin* nerekl* neznam* neurcen* nespecif* neuvadi nevi neprozrad*
alone: neodpovedel* nepredstav* nezjisten* bez_udaje n_a neni_znam* nedefinovan* bez_jmena anonymizovano netyka_se
alone: chybi
none: neni_k_dispozici zadny zadna zadne nic nedostupn*
name: volajici zakaznik zakaznice klient klientka uzivatel uzivatelka anonym anonymni osoba pani slecna neznamy neznama
name: jmeno prijmeni nekdo nikdo pacient pacientka kontakt mluvci
fill: v ve na o od do pro s z ze k a nebo sve svoje svuj svou jeho jeji to ten ta tento tuto byl byla bylo byly je jsou
fill: se si behem hovoru hovor rozhovoru konverzaci konverzace prepisu chatu cislo telefonni telefon adresu adresa e
fill: mail email duvod hodnota pole jeste vyslovne dispozici zadne jmena prubehu volajicim

[sk]
no: ne nie nikdy bez ziadny ziadna ziadne ziadneho nic
give: uvied* udan* poved* spomen* poskyt* neuvied* neuveden* neposkyt* nespomen* nepoved* nevie informac* udaj* odpove*
give: meno
mute: odmiet* nechcel*
alone: neuvied* neuveden* neposkyt* nespomen* nepoved* neznam* neurcen* nespecif* nevie neodpoved* bez_mena chyba
none: nie_je_k_dispozicii ziadny ziadna ziadne nic nedostupn*
name: volajuci zakaznik zakaznicka klient klientka pouzivatel pouzivatelka anonym anonymny osoba pani neznamy neznama
name: meno priezvisko niekto nikto pacient pacientka
fill: v vo na o od do pre s z zo k a alebo ze svoje svoj jeho jej to ten ta tento bol bola bolo boli je su sa si pocas
fill: hovoru rozhovoru konverzacie konverzacii prepise cislo telefonne telefon adresu adresa e mail email dovod este
fill: mena

[hu]
no: nem nincs semmi nelkul sem soha
give: adta adott adja mond* emlit* kozol* megad* meg valasz* tud* informaci* adat* megoszt* nyilatkoz* kerdez*
give: bemutatkoz* arulta nev* hangzott derult
mute: megtagad* visszautas* akarta kivant*
alone: ismeretlen nincs_megadva nincs_adat nem_ismert nev_nelkul nevtelen n_a nincs_informacio hianyzik
alone: nem_alkalmazhato
none: nincs semmi nem_elerheto
name: hivo ugyfel felhasznalo nevtelen vendeg szemely beszelo holgy asszony ismeretlen keresztnev vezeteknev valaki
name: senki paciens beteg ferfi
fill: a az egy es vagy hogy ezt azt ez o neve nevet beszelgetes soran kozben hivas hivasban alatt szamot telefonszamot
fill: cimet e mail email okot meg volt lett van kerult el ki

[el]
no: δεν μη μην ουτε κανενα καμια κανενας χωρις ποτε τιποτα
give: δωσε δοθηκε εδωσε δινει ανεφερε αναφερθηκε αναφερει ειπε παρειχε παρασχεθηκε δηλωσε δηλωθηκε προσδιορι* αποκαλυψ*
give: απαντησε απαντηση γνωριζ* ξερει πληροφορι* στοιχεια ρωτηθηκε κοινοποι* γνωστοποι* πει
mute: αρνηθηκε προτιμησε ηθελε θελησε
alone: αγνωστ* δ_υ ανωνυμοποι* απροσδιοριστο δεν_ειναι_γνωστ* δεν_ισχυει
none: κανενα καμια κανενας τιποτα μη_διαθεσιμο
name: καλων πελατης πελατισσα χρηστης χρηστρια ανωνυμος ανωνυμη επισκεπτης ατομο συνομιλητης κυριος κυρια αγνωστος
name: αγνωστη ονομα επωνυμο καποιος κανεις ασθενης
fill: ο η το τον την του της τα οι των ενα μια σε στο στη στην για με απο και που να τους μου εχει ειχε ηταν ειναι κατα
fill: διαρκεια κλησης συνομιλιας συζητησης αριθμο τηλεφωνου διευθυνση email ονομα αυτο αυτη ακομη ρητα

[tr]
no: degil yok hicbir hic olmadan
give: vermedi vermek vermemis belirt* verilme* soyleme* soylen* paylasma* paylasil* bilin* bahsed* bahset* aciklan*
give: aciklama* cevap* yanit* bilgi* ismini soz sorulma* tanimla*
mute: reddet* isteme* kacin*
alone: vermedi vermemis vermiyor vermek_istemedi vermemistir belirtilme* belirtme* belirtmis_degil verilme* soyleme*
alone: soylenme* paylasma* paylasilma* bilinmiyor bilinmeyen bilinmemekte bahsetme* bahsedilme* aciklanma* aciklama_yok
alone: yanitlama* cevaplama* bilgi_yok bilgi_verilmedi sorulmadi isimsiz adsiz uygulanamaz belirsiz tanimsiz
alone: bilgi_mevcut_degil kayit_yok saglanma* iletme* iletilme* isim_yok ad_yok bilmiyor anonimlestirildi gecmedi
alone: gecmemistir eksik alinamadi
none: yok hicbiri hic mevcut_degil
name: arayan musteri kullanici anonim misafir konuk kisi konusmaci hanim bilinmeyen isim soyad soyadi ismi biri hasta
name: danisan efendim beyefendi hanimefendi
fill: adresi numarasi bir bu su o onun kendi ve veya ile icin gibi de da ki adini ismini soyadini soyismini adi ismi
fill: numarasini numara telefon adresini adres e posta mail email gorusme gorusmede konusma konusmada sirasinda cagri
fill: cagrida sohbette boyunca hakkinda herhangi henuz acikca ne neden sebep deger alan dahil

[id]
no: tidak belum tak tanpa bukan tiada
give: memberi* diberi* beri sebut* menyebut* disebut* mengatakan dikatakan katakan menyampaikan disampaikan menyedia*
give: disedia* tahu mengetahui informasi maklumat data menjawab dijawab jawaban jawapan ungkap* mengungkap* diungkap*
give: spesifik* jelas menjelaskan dijelaskan menyatakan ditanya* memperkenal* dibagikan membagikan nama dimaklumkan
give: dinyata* dikongsi*
mute: bersedia mau menolak enggan ingin mahu
alone: tak_diketahui tidak_berlaku tanpa_nama n_a tidak_ada_data tak_dikenal tidak_diketahui
none: tidak_ada tiada nihil tidak_tersedia
name: penelepon pemanggil pelanggan pengguna klien anonim tamu pembicara bapak ibu encik puan nyonya nama seseorang
name: pasien pesakit tetamu
fill: yang di ke dari dalam pada untuk oleh dengan dan atau ini itu nya nama namanya nomor nombor telepon telefon
fill: alamat email e mel surel selama semasa percakapan perbualan panggilan obrolan transkrip apa apapun dia ia saya
fill: mereka kita sebarang alasan sebab nilai kolom secara eksplisit mana telah sudah ada tersedia

[vi]
no: khong chua chang
give: cung cap noi neu de biet ro thong tin tra loi cho tiet lo xac dinh chia se san ap dung du lieu hoi gioi thieu
give: nhac
mute: tu choi muon
alone: khong_ro vo_danh n_a khong_biet chua_ro
none: khong_co
name: khach_hang nguoi_goi nguoi_dung nguoi_noi nguoi_dung_may benh_nhan an_danh vo_danh ho_ten ten_ho
fill: khach hang nguoi goi dung benh nhan noi ten ho da duoc bi trong cuoc chuyen tro hoi thoai luc khi ve cua minh so
fill: dien dia chi email nay do gi bat ky mot ra den tai co an

[bg]
no: не няма без никога нищо ни
give: посоч* предостав* каза* спомена* споменa* съобщ* даде даден* дава отговор* знае знам информация данни разкри*
give: назов* уточн* попитан* представ* сподел*
mute: отказ* предпоч* пожела*
alone: неизвест* непосоч* няма_данни няма_информация не_е_посочено без_име неприложимо неуточнен*
none: няма нищо не_е_налично
name: обаждащ обаждащия обаждащият клиент клиентът клиентката потребител потребителят анонимен анонимна гост човек лице
name: господин госпожа госпожица неизвестен неизвестна име фамилия някой никой пациент
fill: в във на за от по с със и или че това този тази си името своето неговото нейното е беше бе са бил била било време
fill: разговора разговор чата номер телефон адрес имейл причина още изрично се

[hr]
no: ne nije nisu nikad bez nema nista nijedan
give: naveo navela naved* rekao rekla receno spomen* pruzi* dao dala dano odgovor* zna informacij* podat* otkri*
give: predstav* pitan* podijel*
mute: odbi* zelio zeljela
alone: nepoznat* nije_navedeno nema_podataka bez_imena nenaveden* neodreden* n_a nije_poznat*
none: nema nista nijedan nedostupn*
name: pozivatelj pozivateljica klijent klijentica korisnik korisnica kupac anoniman anonimna gost osoba gospodin
name: gospoda gospodica nepoznat nepoznata ime prezime netko nitko pacijent
fill: u na o od za s sa i ili da to taj ta ovaj svoje svoj njegovo njezino je su bio bila bilo tijekom razgovora poziva
fill: broj telefona adresu adresa e mail email razlog jos se

[ar]
no: لم لا غير ليس ليست لن بدون دون ما عدم
give: المعلومات البيانات معلومه يذكر تذكر ذكر ذكره ذكرها مذكور مذكوره يقدم تقدم تقديم تقديمه مقدم يتم يعط تعط اعطاء
give: يعطي معطي يحدد تحدد محدد تحديد محدده يفصح تفصح الافصاح يصرح تصرح التصريح يقل تقل يخبر تخبر يعرف تعرف يجب تجب
give: اجابه معلومات بيانات يشارك تشارك مشاركه مصرح يوضح توضح يرد ترد يزود تزود يكشف تكشف يفد ادري اعلم يشر تشر الاشاره
give: توفير
mute: رفض رفضت يرفض امتنع امتنعت يرغب ترغب يفضل تفضل
alone: مجهول مجهوله لا_ينطبق بدون_اسم لا_احد محجوب غ_م لا_اعرف غير_معروف غير_معروفه
none: لا_يوجد لا_توجد لا_شيء غير_متوفر غير_متاح غير_متوفره غير_متاحه
name: المتصل المتصله متصل متصله العميل العميله عميل المستخدم المستخدمه مستخدم الزبون زبون ضيف الضيف شخص الشخص مجهول
name: المتحدث السيد السيده سيد سيده استاذ انسه الاسم اسم اسمه اسمها الاول الاخير العائله فاعل المريض مريض اسما
fill: بريده بريدها رقمه رقمها عنوانه عنوانها في من عن علي الي خلال اثناء المكالمه المحادثه الحوار النص رقم الرقم الهاتف
fill: هاتفه البريد الالكتروني العنوان عنوان اي هذا هذه هو هي انا له لها به بها عنه عنها قد بعد الان ان او و اسمه اسمها
fill: ذلك كان تم صراحه السبب القيمه متوفر متوفره متاح متاحه

[fa]
no: نه بدون هیچ
give: نشده نکرده نداد نگفت نگفته ذکر ارائه اعلام مشخص داده گفته معلوم اطلاعات
alone: نامشخص ناشناس نامعلوم ذکر_نشده ارائه_نشده مشخص_نشده اعلام_نشده نداد نگفت بدون_نام اطلاعاتی_موجود_نیست گفته_نشده
none: ندارد هیچ موجود_نیست
name: تماس گیرنده تماسگیرنده مشتری کاربر مهمان شخص آقا خانم ناشناس نام ایشان
fill: در از به را که این آن خود خودش نامش نام شده است بود کرد نکرد گفتگو مکالمه شماره تلفن آدرس ایمیل

[he]
no: לא אין בלי ללא
give: סיפק ספקה סופק סיפקה ציין ציינה צוין אמר אמרה נאמר מסר מסרה נמסר הזכיר הזכירה הוזכר יודע ענה ענתה מידע נתונים
give: פירט נשאל שיתף גילה
mute: סירב סירבה העדיף העדיפה
alone: לא_ידוע לא_צוין אלמוני אלמונית ללא_שם אין_מידע לא_רלוונטי
none: אין כלום לא_זמין
name: המתקשר המתקשרת מתקשר הלקוח הלקוחה לקוח המשתמש המשתמשת משתמש אנונימי אנונימית אורח אדם מר גברת גב אדון שם השם פרטי
name: משפחה אלמוני
fill: את של על ב ה במהלך השיחה שיחה בשיחה שם שמו שמה השם מספר טלפון כתובת אימייל דואר זה זו הוא היא

[hi]
no: नहीं न ना बिना कोई_नहीं
give: बताने देने दिया दी दिए बताया बताई बताए बताना कहा उल्लेख उल्लिखित पता जानकारी निर्दिष्ट प्रदान साझा उत्तर जवाब
give: स्पष्ट पूछा मालूम मिला मिली किया की गया गई गयी खुलासा
mute: इनकार मना
alone: अज्ञात नाम_नहीं बेनाम अनिर्दिष्ट गुमनाम अनजान ज्ञात_नहीं लागू_नहीं
none: अनुपलब्ध कोई_नहीं कुछ_नहीं उपलब्ध_नहीं
name: कॉलर ग्राहक उपयोगकर्ता यूजर यूज़र अतिथि मेहमान व्यक्ति श्रीमान श्रीमती महोदय महोदया नाम अज्ञात गुमनाम उपनाम सर
name: मैडम मरीज कोई वक्ता
fill: कर दिया दी ने का की के को में से पर और या यह वह इस उस अपना अपनी अपने उसका उसकी कोई भी है हैं था थी थे गया गई किया
fill: करने बातचीत कॉल वार्तालाप दौरान नाम नंबर फोन ईमेल पता जानकारी अभी तक स्पष्ट रूप कारण हुआ हुई मुझे हूं बारे उसने
fill: उन्होंने उनका

[ta]
no: இல்லை
give: வழங்கப்படவில்லை குறிப்பிடவில்லை குறிப்பிடப்படவில்லை சொல்லவில்லை தெரியவில்லை தகவல் கொடுக்கவில்லை கிடைக்கவில்லை
alone: வழங்கப்படவில்லை குறிப்பிடவில்லை குறிப்பிடப்படவில்லை சொல்லவில்லை தெரியவில்லை தெரியாது கொடுக்கவில்லை வழங்கவில்லை
alone: கிடைக்கவில்லை தெரிவிக்கவில்லை
none: இல்லை
name: அழைப்பாளர் வாடிக்கையாளர் பயனர் அநாமதேய விருந்தினர் நபர் பெயர்
fill: தனது தன் பெயர் பெயரை தகவல் உரையாடலில் அழைப்பின் போது எந்த எண் பெயரைச்

[fil]
no: hindi walang wala
give: ibinigay nagbigay binigay sinabi nabanggit binanggit alam impormasyon tinukoy sagot sumagot nagsabi nagpakilala
mute: tumanggi ayaw
alone: hindi_alam walang_pangalan walang_impormasyon hindi_tinukoy
none: wala
name: tumatawag tumawag kliyente kustomer gumagamit bisita hindi_kilala pangalan apelyido ginoo ginang
fill: ang ng sa na nang mga kanyang pangalan siya niya ito tawag usapan habang numero telepono email address ay
"""
