# ruff: noqa: E501 - a word of a script without blanks cannot be broken off
"""The words of which people and models make phrases for "nothing was said", language by language.

A line is `kind: words`. `*` at a word's end stands for any ending, and `_` joins the words of a phrase. The kinds:

no      words of negation ("not", "no")
give    verbs of giving, saying and knowing, and nouns for what is said ("provided", "mention", "information")
mute    verbs of refusing ("declined"), which say nothing together with a verb of giving
alone   words and phrases that say nothing by themselves, also beside the field's own words ("unknown", "n_a")
none    words that say nothing where nothing but `fill` stands beside them ("none", but not "none of the family smokes")
name    words that stand in a name's place when there is no name ("caller", "guest", "anonymous", "sir")
fill    the other words of such phrases ("the", "did", "call")

Accents, case and apostrophes do not count: "didn't" is `didn` and `t`.
"""

SPACED = """
[en]
no: nope
no: not no never none nothing neither nor without didn doesn don wasn weren isn aren hasn haven hadn won wouldn couldn
no: cannot can_t unable
give: responded respond
give: leave leaves left
give: give gives given gave giving provid* mention* specif* state stated states stating say says said saying tell
give: tells told telling disclos* shar* supply supplied supplies indicat* answered reveal* name named
give: identif* ask asked asking discuss* reported reports captur* obtain* determin* record*
give: volunteer* clarif* introduc* know knows knew understand information info data detail* mention extract* infer*
give: expressed contain contains contained
mute: declin* refus* withh* prefer* reluctan* unwilling avoided decline unable hesita*
alone: to_answer not_answer not_answered didn_t_answer not_answering
alone: tbd tba to_be_determined not_yet_known unclear
alone: unknown unspecified undisclosed undefined unstated unanswered unidentified unclear_from_the_call null nil nan
alone: na n_a not_known is_unknown isn_t_known unnamed redacted anonymized anonymised no_name noname unintelligible
alone: inaudible noanswer
none: not_collected
none: unavailable none not_applicable not_available no_email no_email_address no_phone no_number no_phone_number nothing
name: hung_up wrong_number voicemail ai bot robot
name: wife husband mother father sister brother daughter spouse partner relative friend
name: caller callers customer customers user users client clients guest anonymous anon speaker person someone somebody
name: anyone nobody sir madam maam mr mrs ms miss mx human participant interlocutor contact visitor patient woman lady
name: gentleman male female individual party name names first last given family surname full prospect lead member
name: agent assistant placeholder firstname lastname username nickname stranger unknown
fill: at_all
fill: one ones stay remain them be
fill: end
fill: the a an this that these those it its is was were are be been being has have had do does did will would could
fill: should to by of in on at for from during throughout within about regarding concerning with as and or any so far
fill: yet ever explicitly directly clearly specifically verbally their his her he she they them him i we you my our
fill: your me conversation call calls transcript chat dialogue interaction recording point time moment anywhere here
fill: there value values field number numbers email e mail address phone contact callback reason question questions
fill: specific particular further additional other more t ve s wants want wish wished wishes chose chosen opted
fill: when before asked prompted agent because hung up ended early if it's which who while still currently present
fill: enough sufficient relevant actual real personal identifying own himself herself themselves myself available
fill: found included

[es]
no: no ni nunca sin ningun ninguna ninguno nada tampoco
give: respondio respondido responder
give: decirlo decirla decirlos darlo darla saberlo
give: dio dado dada dar da di dijo dicho dice decir proporcion* mencion* indic* especific* facilit* aport* inform*
give: comunic* compart* revel* declar* contest* sabe sabemos saber conoce dato datos consta
give: detall* identific* expres* expresado señal* manifest* suministr* pregunt* aclar* registr* proveyo proveer
give: provey* nombre figura menciona informacion informaciones
mute: nego nego_a prefiri* prefiere rehus* declin* rechaz* quiso quiere
alone: no_lo_se
alone: desconocid* sin_nombre sin_datos sin_informacion sin_respuesta sin_especificar n_a s_n anonimizado anonimizada
alone: no_se se_desconoce no_consta indefinid* no_sabe_no_contesta ns_nc no_conocid*
none: ningun* nada no_aplica no_disponible
name: llamante cliente clienta usuario usuaria persona interlocutor interlocutora anonimo anonima invitado invitada
name: señor señora señorita sr sra srta desconocido desconocida nombre apellido apellidos contacto paciente huesped
name: alguien nadie hombre mujer
fill: el la los las un una unos unas lo le les su sus de del al a en por para con y o que se ha han he habia fue
fill: fueron es esta este esto estos ese eso esa durante conversacion llamada transcripcion chat dialogo momento
fill: numero correo electronico email telefono direccion algun alguna alguno cualquier informacion campo valor aun
fill: todavia explicitamente quien mi tu nos sido estar ser respecto sobre acerca motivo otro otra ningun pregunta
fill: hacer ella ellos disponible

[fr]
no: ne n pas non aucun aucune jamais sans ni rien
give: prononc* dit_pas
give: donne donner donnee donnees donnes fourni* communiqu* precis* mentionn* indiqu* dit dire dites renseign*
give: specifi* partag* divulgu* revel* declar* repond* sait sais connait connais inform* evoqu* exprim*
give: identifi* laisse laissee detail* nomm* transmis* information informations
mute: souhait*
mute: refus* prefer* decline declina
alone: inconnu* non_renseigne non_renseignee sans_nom sans_reponse n_a indefini indefinie anonymise anonymisee
alone: indetermine* non_precise non_fourni nc n_c s_o non_connu* pas_connu*
none: aucun aucune rien neant sans_objet non_disponible indisponible pas_disponible non_applicable
name: appelant appelante client cliente utilisateur utilisatrice personne interlocuteur interlocutrice anonyme invite
name: invitee monsieur madame mademoiselle mme mlle inconnu inconnue nom prenom patient patiente contact homme femme
name: quelqu quelqu_un correspondant usager abonne
fill: electronique raccroche
fill: le la les l un une des de du d a au aux en dans par pour et ou que qu il elle on ils elles je nous vous son sa
fill: ai as avons ses leur leurs mon ma ce cette cet cela ca c est ete etre avait avoir ont lors pendant durant cours conversation
fill: appel transcription echange chat moment numero adresse mail e email courriel telephone se s lui me m y
fill: explicitement encore information informations champ valeur quelconque autre quant sujet concernant raison
fill: question veut voulu disponible

[de]
no: nicht kein keine keinen keiner keinem keines nie niemals nichts ohne weder noch
give: erfragt machen mitzuteilen anzugeben zu_nennen
give: angegeben angab angeben angibt gegeben geben genannt nannte nennt nennen nennung erwahn* mitgeteilt mitteilen
give: mitteilte teilte gesagt sagte sagt sagen verraten preisgegeben weiss wissen wusste geantwortet
give: antwortete beantwortet* spezifizi* ubermittelt* hinterlassen hinterliess angabe angaben information
give: informationen daten auskunft erwahnung genannte ermittel* bestimm* erfass* gefragt abgefragt vorgestellt
give: identifizi* nannten erfahr* bereitgestellt offengelegt erkennbar ersichtlich machte gemacht nahere konkret*
give: besprochen thematisiert name namen
mute: verweiger* wollte mochte lehnte weigerte will
alone: liegt_nicht_vor liegen_nicht_vor
alone: unbekannt* k_a keine_angabe unbenannt namenlos anonymisiert geschwarzt o_a unbestimmt ohne_angabe ohne_namen
alone: undefiniert nicht_bekannt
none: keine keiner keines nichts nicht_zutreffend nicht_verfugbar nicht_vorhanden
name: anrufer anruferin anrufende anrufender kunde kundin nutzer nutzerin benutzer benutzerin anonym gast person
name: sprecher sprecherin herr frau fraulein unbekannt unbekannter unbekannte teilnehmer teilnehmerin gesprachspartner
name: jemand niemand name namen vorname nachname familienname patient patientin mandant mandantin klient klientin
name: gesprachspartnerin interessent interessentin user kontakt
fill: machen mailadresse emailadresse telefonnummer
fill: der die das den dem des ein eine einen einem einer er sie es ihr ihre ihren ihrem ihrer sein seine seinen seinem
fill: ich mein meinen wir hat haben hatte hatten wurde wurden worden ist sind war waren wird werden im in am an auf zu
fill: zum zur von vom mit uber bei bezuglich hinsichtlich fur wahrend und oder dass dies diese dieser dieses gesprach
fill: gesprachs gespraches anruf anrufs telefonat telefonats transkript chat verlauf konversation unterhaltung
fill: explizit ausdrucklich bisher noch weitere genauen nummer telefonnummer adresse e mail email mailadresse grund
fill: wert feld darauf dazu hierzu sich nicht frage konkreten preis gab gibt verfugbar bekannt vorhanden

[pt]
no: nao sem nenhum nenhuma nunca nem nada
give: deu dado dada dados dar disse dito dizer diz forneci* fornec* mencion* inform* indic* especific* compartilh*
give: partilh* revel* declar* respond* sabe sei saber perguntad* identific* express* detalh* coment* registr*
give: consta cit* citou foi_dito mencao nome divulg* facult* informacao informacoes
mute: quis quer
mute: recus* prefer* negou negou_se quer
alone: desconhecid* sem_nome sem_informacao sem_informacoes sem_resposta n_a anonimizado anonimizada indefinid*
alone: nao_consta sem_dados nd n_d n_i nao_conhecid*
none: nenhum nenhuma nada nao_se_aplica nao_aplicavel nao_disponivel indisponivel
name: chamador chamadora cliente usuario usuaria utilizador utilizadora utente pessoa interlocutor interlocutora
name: anonimo anonima convidado convidada hospede senhor senhora senhorita sr sra srta desconhecido desconhecida nome
name: sobrenome apelido contato contacto paciente alguem ninguem homem mulher ligante
fill: houve
fill: o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com e ou que se seu sua seus suas
fill: ele ela eles eu meu minha foi foram ser sido tem teve havia esta este isso isto essa esse durante conversa
fill: chamada ligacao transcricao chat dialogo momento numero telefone email mail endereco correio eletronico algum
fill: alguma qualquer informacao informacoes campo valor ainda explicitamente sobre relacao motivo outro outra
fill: pergunta lhe disponivel

[it]
no: non nessun nessuna nessuno mai senza ne niente nulla
give: risposto
give: dirlo dirla darlo dirmelo
give: dato data dati dare ha_dato detto dire dice forni* menzion* indic* specific* comunic* condivi* rivel* dichiar*
give: rispond* sa so sapere conosc* chiest* identific* espress* precis* rilasciat* lasciat* menzione
give: informazion* dettagli* citat* accenn* riferi* nome riportat* presentat*
mute: rifiut* preferi* preferisce voluto vuole
alone: sconosciut* ignoto ignota senza_nome non_applicabile n_a n_d nd indefinit* non_pervenuto anonimizzato
alone: anonimizzata non_not* non_e_not*
none: nessuno nessuna niente nulla non_disponibile indisponibile
name: chiamante cliente utente persona interlocutore interlocutrice anonimo anonima ospite signore signora signorina
name: sconosciuto sconosciuta nome cognome contatto paziente qualcuno nessuno uomo donna visitatore
fill: il lo la i gli le l un uno una di del dello della dei degli delle da dal dalla in nel nella nei con su sul sulla
fill: per e o che si suo sua suoi sue ha hanno ho aveva stato stata stati state essere durante conversazione chiamata
fill: telefonata trascrizione chat dialogo momento numero telefono email mail indirizzo posta elettronica alcun alcuna
fill: alcuno qualsiasi questo questa cio ancora esplicitamente proprio propria mio mia riguardo merito motivo domanda
fill: lui lei campo valore corso a al alla disponibile

[nl]
no: niet geen nooit zonder niets noch
give: antwoordde antwoordt geantwoord
give: gegeven gaf geeft geven opgegeven genoemd noemde noemt noemen vermeld* verstrek* gedeeld meegedeeld gezegd zei
give: zegt zeggen gespecificeerd aangegeven doorgegeven verteld vertelde beantwoord* weet wist weten
give: informatie gegevens besproken gevraagd achtergelaten liet genoemde geidentificeerd naam vermelding duidelijk
give: medegedeeld ingevuld
mute: weiger* wilde wil liever
alone: onbekend* nvt n_v_t n_b nb naamloos geanonimiseerd ongespecificeerd ongedefinieerd n_a niet_bekend
none: geen niets niet_van_toepassing niet_beschikbaar
name: beller klant gebruiker gebruikster anoniem gast persoon spreker meneer mevrouw mijnheer dhr mevr onbekend
name: onbekende naam voornaam achternaam deelnemer iemand niemand patient client clienten contactpersoon vrouw
fill: de het een van in op aan bij voor met door over tijdens en of dat dit die deze er haar zijn hun hij zij ze ik
fill: mijn we heeft hebben had is was werd werden wordt worden gesprek telefoongesprek oproep transcript chat moment
fill: nummer telefoonnummer adres e mail email mailadres reden waarde veld nog expliciet verdere enige te om
fill: gesprekspartner beschikbaar

[pl]
no: nie nigdy bez brak zaden zadna zadne zadnego zadnej nic
give: padlo padla
give: poda* podal podala podano podany powiedzial* powiedzian* wspomnial* wspomnian* okresl* udzieli* ujawni* zdradzi*
give: wskaz* przekaz* odpowiedzi* odpowiedz* wie wiem wiadomo informacj* danych dane wymien* zapytan* pytan*
give: przedstaw* poinformowa* sprecyzowa* zidentyfikowa* wyjawi* imienia podaje nazwiska poruszono omowion* zostawi*
mute: odmowi* wolal* chcial* chce
alone: nieznan* brak_danych brak_informacji nieokreslon* niepodan* n_d nd bezimienny anonimizowane zanonimizowano
alone: niewiadom* brak_odpowiedzi n_a b_d nie_znan* nie_jest_znan*
none: brak nie_dotyczy nic zaden zadne niedostepn*
name: dzwoniacy dzwoniaca dzwoniacego dzwoniacej rozmowca rozmowczyni klient klientka klienta klientki uzytkownik
name: uzytkowniczka uzytkownika anonim anonimowy anonimowa gosc osoba pani nieznany nieznana imie imienia nazwisko
name: nazwiska ktos nikt pacjent pacjentka kontakt mezczyzna kobieta
fill: elektronicznej poczty poczta
fill: tym tego temat jego jej mu
fill: w we z ze na do o od dla przez po i lub oraz swojego swojej swoje swoich jego jej ich moje to ta tego tej te
fill: zostal zostala zostalo zostaly byl byla bylo jest sa podczas trakcie rozmowy rozmowie polaczenia polaczeniu
fill: transkrypcji czacie numeru numer telefonu adresu adres e mail email maila wartosc pole jeszcze wprost temat
fill: powodu powod sie

[ru]
no: не ни нет без никогда ничего никакой никаких
give: указа* предостав* сообщ* назва* назвал* упомян* упомин* сказа* говори* раскры* даны дан дана дано дал дала дать
give: дали ответ* отвеч* зна* информац* данных данные данны* оговор* уточн* представ* обсужд* спро* озвуч* определ*
give: остав* имени поделил* идентифиц* заполнен* выясн*
mute: отказ* предпоч* захоте* пожела* хочет
alone: неизвест* нет_данных нет_информации неуказан* без_имени безымянн* неопредел* н_д н_у незаполнен* нет_ответа
alone: анонимизировано не_известн*
none: не_применимо ничего недоступн*
name: абонент звонящий звонящая звонившии звонивший звонившая клиент клиентка пользователь пользовательница аноним
name: анонимный анонимная гость человек собеседник собеседница господин госпожа неизвестный неизвестная неизвестно имя
name: имени фамилия фамилии кто-то никто пациент пациентка мужчина женщина контакт посетитель говорящий сэр мадам
fill: электронную электронный почта
fill: в во на о об по от для с со из к и или что это этот эту эта его ее их своего свое свой свою своей мое было был
fill: была были быть ходе время разговора разговоре звонка звонке беседы беседе диалоге чате номер номера телефон
fill: телефона адрес адреса почты почту электронной email e mail причину причина значение поле пока еще явно себя он
fill: она они я у меня расшифровке никак также том

[uk]
no: не ні немає нема без ніколи нічого жодн* ніяк*
give: вказа* зазнач* нада* повідом* назва* назва згада* згаду* сказа* говори* розкри* дано дан* дав дала дати відпов*
give: зна* інформац* даних дані уточн* представ* обговор* запит* озвуч* визнач* залиш* імені поділи*
mute: відмов* вважав захот* бажа* волі*
alone: невідом* немає_даних немає_інформації не_застосовн* не_вказано без_імені безіменн* невизначен* н_д не_відом*
none: немає нічого недоступн*
name: абонент абонентка клієнт клієнтка користувач користувачка анонім анонімний анонімна гість людина особа
name: співрозмовник співрозмовниця пані невідомий невідома невідомо ім я імя імені прізвище хтось ніхто пацієнт
name: пацієнтка чоловік жінка контакт додзвонювач
fill: в у на про по від для з із зі до і й та або що це цей цю ця його її їх свого своє свій свою своєї моє було був
fill: була були бути ході час під розмови розмові дзвінка дзвінку бесіди діалозі чаті номер номера телефон телефону
fill: адресу адреси пошти пошту електронної email e mail причину значення поле поки ще явно себе він вона вони я

[cs]
no: nebyl nebyla nebylo nebyly nema nemam
no: ne neni nikdy bez zadny zadna zadne zadneho nic
give: uved* udan* udal* udat sdel* rekl* rekn* zmin* poskyt* uvadi neuved* neudal* neudan* nesdel* neposkyt* nezmin*
give: nerekl* nevi neni_znam* nespecifik* neodpov* nepredstav* odpove* informac* udaj* udaje nezna* neznam* neprozrad*
give: nepta* zminka jmeno
mute: odmit* nechtel* nechce
alone: neuved* neudan* neudal* nesdel* neposkyt* nezmin* nerekl* neznam* neurcen* nespecif* neuvadi nevi neprozrad*
alone: neodpovedel* nepredstav* nezjisten* bez_udaje n_a neni_znam* nedefinovan* bez_jmena anonymizovano netyka_se
none: neni_k_dispozici zadny zadna zadne nic nedostupn*
name: volajici zakaznik zakaznice klient klientka uzivatel uzivatelka anonym anonymni osoba pani slecna neznamy
name: neznama jmeno prijmeni nekdo nikdo pacient pacientka kontakt mluvci
fill: v ve na o od do pro s z ze k a nebo sve svoje svuj svou jeho jeji to ten ta tento tuto byl byla bylo byly je
fill: jsou se si behem hovoru hovor rozhovoru konverzaci konverzace prepisu chatu cislo telefonni telefon adresu
fill: adresa e mail email duvod hodnota pole jeste vyslovne dispozici zadne jmena prubehu

[sk]
no: ne nie nikdy bez ziadny ziadna ziadne ziadneho nic
give: uvied* uviedol* udan* poved* spomen* poskyt* neuvied* neuveden* neposkyt* nespomen* nepoved* nevie informac*
give: udaj* odpove* meno
mute: odmiet* nechcel*
alone: neuvied* neuveden* neposkyt* nespomen* nepoved* neznam* neurcen* nespecif* nevie neodpoved* bez_mena
none: nie_je_k_dispozicii ziadny ziadna ziadne nic nedostupn*
name: volajuci zakaznik zakaznicka klient klientka pouzivatel pouzivatelka anonym anonymny osoba pani neznamy neznama
name: meno priezvisko niekto nikto pacient pacientka
fill: v vo na o od do pre s z zo k a alebo ze svoje svoj jeho jej to ten ta tento bol bola bolo boli je su sa si pocas
fill: hovoru rozhovoru konverzacie konverzacii prepise cislo telefonne telefon adresu adresa e mail email dovod este
fill: mena

[sv]
no: inte ej ingen inga inget aldrig utan
give: namndes uppgavs
give: angett angiv* angav ange uppge* uppgav uppgift* uppgifter namn* namnde namnts namnt sagt sa sade saga berattat
give: berattade delat delade lamnat lamnade gett gav ge svar* svarat svarade vet information specificer* avslojat
give: avslojade fragat presenterat presenterade fram framkom framgar omnamn*
mute: vagra* ville vill avboj*
alone: okant
alone: okand* ej_angivet ej_angiven namnlos ej_tillampligt n_a ospecificerad* uppgift_saknas anonymiserad odefinierad
alone: obekant inte_kan* ej_kan*
none: ingen inga inget ingenting ej_tillganglig* inte_tillganglig*
name: okant
name: uppringare uppringaren inringare inringaren kund kunden anvandare anvandaren anonym gast gasten person personen
name: talare talaren herr fru froken okand namn fornamn efternamn nagon ingen klient klienten patient patienten kvinna
fill: postadressen postadress telefonnumret mejladress
fill: den det de en ett sitt sin sina hans hennes deras jag mitt har hade ar var blev blivit vid under i pa av for
fill: till med om som och eller att samtalet samtal konversationen chatten transkriptet nummer telefonnummer adress
fill: epost e post mejl email anledning nagot nagon nagra annu uttryckligen vidare detta denna ut fram

[da]
no: ikke ingen intet aldrig uden ej
give: oplyst oplyste oplyse oplysning* oplyser angivet angav angive naevnt naevnte naevner givet gav give sagt sagde
give: sige fortalt fortalte delt delte svar svaret svarede ved vidste information specificer* afslor* spurgt
give: praesenteret udleveret navngivet navn
mute: naegte* afviste onsker
alone: ukendt* ikke_oplyst uoplyst navnlos n_a uspecificeret ikke_relevant anonymiseret ikke_kendt
none: ingen intet ikke_tilgaengelig*
name: opkalder opkalderen kunde kunden bruger brugeren anonym gaest gaesten person personen taler hr fru froken ukendt
name: navn fornavn efternavn nogen ingen klient patient kvinde indringer
fill: den det de en et sit sin sine hans hendes deres jeg mit har havde er var blev blevet ved under i pa af for til
fill: med om som og eller at samtalen samtale opkaldet opkald chatten nummer telefonnummer adresse e mail email grund
fill: noget nogle endnu eksplicit yderligere dette denne

[no]
no: ikke ingen ingenting aldri uten ei
give: oppgitt oppga oppgi oppgir oppgav opplyst opplyste opplysning* opplysninger angitt nevnt nevnte nevner gitt ga
give: gi sagt sa si fortalt fortalte delt delte svar svart svarte vet informasjon spesifiser* avslort spurt presentert
give: navn
mute: nektet avslo onsker
alone: ukjent* ikke_oppgitt uoppgitt navnlos n_a uspesifisert ikke_aktuelt anonymisert ikke_kjent
none: ingen ingenting ikke_tilgjengelig*
name: innringer innringeren oppringer kunde kunden bruker brukeren anonym gjest gjesten person personen taler herr fru
name: froken ukjent navn fornavn etternavn noen ingen klient pasient kvinne
fill: den det de en et ei sitt sin sine hans hennes deres jeg mitt har hadde er var ble blitt ved under i pa av for
fill: til med om som og eller at samtalen samtale anropet chatten nummer telefonnummer adresse e post epost mail email
fill: grunn noe noen enna eksplisitt ytterligere dette denne

[fi]
no: ei eivat en emme ilman
give: kerto* kerro* ilmoit* maini* anta* anto* annet* sano* vastan* vastaus* tied* tieto* tietoja tunne* paljast*
give: esittel* jakanut kysyt* nime* maarit*
mute: kieltay* halunnut halua
alone: tuntematon tuntematonta ei_tiedossa ei_mainittu ei_ilmoitettu ei_tietoa ei_sovellu nimeton n_a
none: ei_saatavilla ei_mitaan
name: soittaja asiakas kayttaja nimeton anonyymi vieras henkilo puhuja herra rouva neiti tuntematon nimi etunimi
name: sukunimi joku potilas nainen
fill: se han hanen oma omaa nimeaan nimea nimensa on oli ole ollut puhelun puhelussa aikana keskustelun keskustelussa
fill: numeroa numero puhelinnumeroa osoitetta sahkopostia ja tai etta tata tassa viela mitaan asiasta syyta

[ro]
no: nu fara niciun nicio nici niciodata nimic
give: spuna spun
give: furniz* oferi* mention* specific* spus spune indic* comunic* declar* dat data dezvalui* impartas* raspuns* stie
give: stiu cunosc* informat* informatii date precizat* intrebat* identific* exprim* lasat nume numele
mute: dorit vrut
mute: refuz* prefer* vrut
alone: necunoscut* nespecificat* nementionat* neprecizat* nefurnizat* nedeclarat* n_a fara_nume nedefinit*
alone: nu_este_cazul nu_se_aplica anonimizat nu_este_cunoscut*
none: niciunul niciuna nimic indisponibil*
name: apelant apelantul apelanta apelantului client clientul clienta clientului utilizator utilizatorul utilizatorului
name: anonim anonima oaspete persoana interlocutor interlocutorul domnul domnule doamna domnisoara dl dna necunoscut
name: necunoscuta nume numele prenume prenumele cineva nimeni pacient pacientul pacienta femeie
fill: un o al a ai ale de din la in pe cu si sau ca sa si-a isi lui ei lor meu mea au am fost este sunt era timpul
fill: cursul timp conversatiei convorbirii apelului conversatie apel transcriere numarul numar telefon adresa e mail
fill: email motivul motiv valoare camp inca explicit acest aceasta aceste vreun vreo s

[hu]
no: nem nincs semmi nelkul sem soha
give: adta adott adja mond* emlit* kozol* megad* meg nevez* valasz* tud* informaci* adat* megoszt* nyilatkoz* kerdez*
give: bemutatkoz* arulta nev*
mute: megtagad* visszautas* akarta kivant*
alone: ismeretlen nincs_megadva nincs_adat nem_ismert nev_nelkul nevtelen n_a nincs_informacio
none: nincs semmi nem_elerheto
name: hivo ugyfel felhasznalo nevtelen vendeg szemely beszelo holgy asszony ismeretlen keresztnev vezeteknev valaki
name: senki paciens beteg ferfi
fill: a az egy es vagy hogy ezt azt ez o neve nevet nevét beszelgetes soran kozben hivas hivasban alatt szamot
fill: telefonszamot cimet e mail email okot meg volt lett van kerult

[el]
no: δεν μη μην ουτε κανενα καμια κανενας χωρις ποτε τιποτα
give: δωσε δοθηκε εδωσε δινει ανεφερε αναφερθηκε αναφερει ειπε παρειχε παρασχεθηκε δηλωσε δηλωθηκε προσδιορι*
give: αποκαλυψ* απαντησε απαντηση γνωριζ* ξερει πληροφορι* στοιχεια ρωτηθηκε κοινοποι* γνωστοποι*
mute: αρνηθηκε προτιμησε ηθελε
alone: αγνωστ* δ_υ ανωνυμοποι* απροσδιοριστο δεν_ειναι_γνωστ*
none: κανενα καμια κανενας τιποτα μη_διαθεσιμο
name: καλων πελατης πελατισσα χρηστης χρηστρια ανωνυμος ανωνυμη επισκεπτης ατομο συνομιλητης κυριος κυρια αγνωστος
name: αγνωστη ονομα επωνυμο καποιος κανεις ασθενης
fill: ο η το τον την του της τα οι των ενα μια σε στο στη στην για με απο και που να τους μου εχει ειχε ηταν ειναι
fill: κατα διαρκεια κλησης συνομιλιας συζητησης αριθμο τηλεφωνου διευθυνση email ονομα αυτο αυτη ακομη ρητα

[tr]
no: degil yok hicbir hic olmadan
give: vermedi vermek vermemis
give: belirtil* belirt* verilme* soyleme* soylen* paylasma* paylasil* bilinmi* bilin* bahsed* bahset* aciklan*
give: aciklama* cevap* yanit* bilgi* ismini soz sorulma* tanimla*
mute: reddet* isteme* kacin*
alone: vermedi vermemis vermiyor vermek_istemedi vermemistir
alone: belirtilme* belirtme* belirtmis_degil verilme* soyleme* soylenme* paylasma* paylasilma* bilinmiyor
alone: bilinmeyen bilinmemekte bahsetme* bahsedilme* aciklanma* aciklama_yok yanitlama* cevaplama* bilgi_yok
alone: bilgi_verilmedi sorulmadi isimsiz adsiz uygulanamaz belirsiz tanimsiz bilgi_mevcut_degil kayit_yok saglanma*
alone: iletme* iletilme* isim_yok ad_yok bilmiyor anonimlestirildi
none: yok hicbiri hic mevcut_degil
name: arayan musteri kullanici anonim misafir konuk kisi konusmaci hanim bilinmeyen isim soyad soyadi ismi biri hasta
name: danisan efendim beyefendi hanimefendi
fill: adresi adresi numarasi
fill: bir bu su o onun kendi ve veya ile icin gibi de da ki adini ismini soyadini soyismini adi ismi numarasini numara
fill: telefon adresini adres e posta mail email gorusme gorusmede konusma konusmada sirasinda cagri cagrida sohbette
fill: boyunca hakkinda herhangi henuz acikca ne neden sebep deger alan dahil

[id]
no: tidak belum tak tanpa bukan tiada
give: memberi* diberi* beri sebut* menyebut* disebut* sebutkan mengatakan dikatakan katakan menyampaikan disampaikan
give: menyedia* disedia* tahu mengetahui informasi maklumat data menjawab dijawab jawaban jawapan ungkap* mengungkap*
give: diungkap* spesifik* jelas menjelaskan dijelaskan dinyatakan menyatakan ditanya* ditanyakan memperkenal*
give: dibagikan membagikan nama dimaklumkan dinyata* dikongsi*
mute: bersedia mau
mute: menolak enggan ingin mahu mau
alone: tak_diketahui tidak_berlaku tanpa_nama n_a tidak_ada_data tak_dikenal tidak_diketahui
none: tidak_ada tiada nihil tidak_tersedia
name: penelepon pemanggil pelanggan pengguna klien anonim tamu pembicara bapak ibu encik puan nyonya nama
name: seseorang pasien pesakit tetamu
fill: yang di ke dari dalam pada untuk oleh dengan dan atau ini itu nya nama namanya nomor nombor telepon telefon
fill: alamat email e mel surel selama semasa percakapan perbualan panggilan obrolan transkrip apa apapun dia ia saya
fill: mereka kita sebarang alasan sebab nilai kolom secara eksplisit mana telah sudah ada tersedia

[vi]
no: khong chua chang
give: cung cap noi neu de biet ro thong tin tra loi cho tiet lo xac dinh chia se san ap dung du lieu hoi gioi thieu
mute: tu choi muon
alone: khong_ro vo_danh n_a khong_biet chua_ro
none: khong_co
fill: khach hang nguoi goi dung benh nhan noi ten ho
fill: da duoc bi trong cuoc goi noi chuyen tro hoi thoai luc khi ve cua minh ten ho so dien dia chi email nay do gi
fill: bat ky mot ra den tai co an
name: khach_hang nguoi_goi nguoi_dung nguoi_noi nguoi_dung_may benh_nhan an_danh vo_danh ho_ten ten_ho

[bg]
no: не няма без никога нищо ни
give: посоч* предостав* каза* спомена* споменa* съобщ* даде даден* дава отговор* знае знам информация данни разкри*
give: назов* уточн* попитан* представ* сподел*
mute: отказ* предпоч* пожела*
alone: неизвест* непосоч* няма_данни няма_информация не_е_посочено без_име неприложимо неуточнен*
none: няма нищо не_е_налично
name: обаждащ обаждащия обаждащият клиент клиентът клиентката потребител потребителят анонимен анонимна гост човек
name: лице господин госпожа госпожица неизвестен неизвестна име фамилия някой никой пациент
fill: в във на за от по с със и или че това този тази си името своето неговото нейното е беше бе са бил била било
fill: време разговора разговор чата номер телефон адрес имейл причина още изрично се

[hr]
no: ne nije nisu nikad bez nema nista nijedan
give: naveo navela naved* rekao rekla receno spomen* pruzi* dao dala dano odgovor* zna informacij* podat* otkri*
give: predstav* pitan* podijel*
mute: odbi* zelio zeljela
alone: nepoznat* nije_navedeno nema_podataka bez_imena nenaveden* neodreden* n_a nije_poznat*
none: nema nista nijedan nedostupn*
name: pozivatelj pozivateljica klijent klijentica korisnik korisnica kupac anoniman anonimna gost osoba gospodin
name: gospoda gospodica nepoznat nepoznata ime prezime netko nitko pacijent
fill: u na o od za s sa i ili da to taj ta ovaj svoje svoj njegovo njezino je su bio bila bilo tijekom razgovora
fill: poziva broj telefona adresu adresa e mail email razlog jos se

[ar]
no: لم لا غير ليس ليست لن بدون دون ما عدم
give: المعلومات البيانات معلومه
give: يذكر تذكر ذكر ذكره ذكرها مذكور مذكوره يقدم تقدم تقديم تقديمه مقدم يتم يعط تعط اعطاء يعطي معطي يحدد تحدد محدد
give: تحديد محدده يفصح تفصح الافصاح يصرح تصرح التصريح يقل تقل يخبر تخبر يعرف تعرف يجب تجب اجابه معلومات بيانات يشارك
give: تشارك مشاركه مصرح يوضح توضح يرد ترد يزود تزود يكشف تكشف يفد ادري اعلم يشر تشر الاشاره
mute: رفض رفضت يرفض امتنع امتنعت يرغب ترغب يفضل تفضل
alone: مجهول مجهوله لا_ينطبق بدون_اسم لا_احد محجوب غ_م لا_اعرف غير_معروف غير_معروفه
none: لا_يوجد لا_توجد لا_شيء غير_متوفر غير_متاح غير_متوفره غير_متاحه
name: المتصل المتصله متصل متصله العميل العميله عميل المستخدم المستخدمه مستخدم الزبون زبون ضيف الضيف شخص الشخص مجهول
name: المتحدث السيد السيده سيد سيده استاذ انسه الاسم اسم اسمه اسمها الاول الاخير العائله فاعل المريض مريض
fill: بريده بريدها رقمه رقمها عنوانه عنوانها
fill: في من عن علي الي خلال اثناء المكالمه المحادثه الحوار النص رقم الرقم الهاتف هاتفه البريد الالكتروني العنوان عنوان
fill: اي هذا هذه هو هي انا له لها به بها عنه عنها قد بعد الان ان او و اسمه اسمها ذلك كان تم صراحه السبب القيمه متوفر
fill: متوفره متاح متاحه

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
name: המתקשר המתקשרת מתקשר הלקוח הלקוחה לקוח המשתמש המשתמשת משתמש אנונימי אנונימית אורח אדם מר גברת גב אדון שם השם
name: פרטי משפחה אלמוני
fill: את של על ב ה במהלך השיחה שיחה בשיחה שם שמו שמה השם מספר טלפון כתובת אימייל דואר זה זו הוא היא

[hi]
no: नहीं न ना बिना कोई_नहीं
give: बताने देने
give: दिया दी दिए बताया बताई बताए बताना कहा उल्लेख उल्लिखित पता जानकारी निर्दिष्ट प्रदान साझा उत्तर जवाब स्पष्ट पूछा
give: मालूम मिला मिली किया की गया गई गयी खुलासा
mute: इनकार मना
alone: अज्ञात नाम_नहीं बेनाम अनिर्दिष्ट गुमनाम अनजान ज्ञात_नहीं
none: अनुपलब्ध कोई_नहीं कुछ_नहीं उपलब्ध_नहीं
name: कॉलर ग्राहक उपयोगकर्ता यूजर यूज़र अतिथि मेहमान व्यक्ति श्रीमान श्रीमती महोदय महोदया नाम अज्ञात गुमनाम उपनाम सर
name: मैडम मरीज कोई वक्ता
fill: कर दिया दी
fill: ने का की के को में से पर और या यह वह इस उस अपना अपनी अपने उसका उसकी कोई भी है हैं था थी थे गया गई किया करने
fill: बातचीत कॉल वार्तालाप दौरान नाम नंबर फोन ईमेल पता जानकारी अभी तक स्पष्ट रूप कारण हुआ हुई मुझे हूं बारे

[ta]
no: இல்லை
give: வழங்கப்படவில்லை குறிப்பிடவில்லை குறிப்பிடப்படவில்லை சொல்லவில்லை தெரியவில்லை தகவல் கொடுக்கவில்லை கிடைக்கவில்லை
alone: வழங்கப்படவில்லை குறிப்பிடவில்லை குறிப்பிடப்படவில்லை சொல்லவில்லை தெரியவில்லை தெரியாது கொடுக்கவில்லை வழங்கவில்லை
alone: கிடைக்கவில்லை தெரிவிக்கவில்லை
none: இல்லை
name: அழைப்பாளர் வாடிக்கையாளர் பயனர் அநாமதேய விருந்தினர் நபர் பெயர்
fill: தனது தன் பெயர் பெயரை தகவல் உரையாடலில் அழைப்பின் போது எந்த எண்

[fil]
no: hindi walang wala
give: ibinigay nagbigay binigay sinabi nabanggit binanggit alam impormasyon tinukoy sagot sumagot nagsabi nagpakilala
mute: tumanggi ayaw
alone: hindi_alam walang_pangalan walang_impormasyon hindi_tinukoy
none: wala
name: tumatawag tumawag kliyente kustomer gumagamit bisita hindi_kilala pangalan apelyido ginoo ginang
fill: ang ng sa na nang mga kanyang pangalan siya niya ito tawag usapan habang numero telepono email address ay
"""

# Scripts without blanks, and Korean, whose blanks vary: patterns over the text without blanks and marks.
# [nothing] is what says nothing, [name] what stands in a name's place, [fill] what may stand around them.
UNSPACED = """
[zh]
nothing: [未没沒][有]?(?:在(?:此次|本次|这次)?(?:通话|通話|对话|對話|会话|谈话|电话|電話)(?:过程|過程)?[中里裡]?)?(?:被)?(?:明确|明確)?(?:提供|提及|提到|说明|說明|告知|告诉|告訴|透露|指定|填写|填寫|回答|给出|給出|留下|注明|註明|标明|表明|说|說|給|给|讲|講|问及|涉及|询问|明确|明確|回应|知|报|報|自报|介绍|登记|记录|确认|確認|表示)+
nothing: [无無]法(?:确定|確定|得知|识别|識別|判断|判斷|获取|獲取|辨认|确认|提取)|未[详詳知明]|[不无無][详詳明]|不知道|不清楚|不[适適]用|不[愿願](?:意)?(?:透露|提供|告知|说|說|回答)|拒[绝絕](?:透露|提供|告知|回答)+|不便(?:透露|提供)
nothing: [无無](?:相关|相關|可用|任何|此)?(?:信息|资料|資料|数据|數據|记录|記錄|名氏|名|回答|答案|提及)|[没沒]有(?:相关|相關|任何|这方面的|具体)*(?:信息|资料|資料|数据|數據|记录|提及|名字|姓名)|[无無]|匿名|保密|暂无|暫無|尚无|已脱敏|已隐藏|查无
name: [来來][电電](?:者|人)|呼叫(?:者|人)|致电人|致電人|用[户戶]|客[户戶]|顾客|顧客|客人|访客|訪客|对方|對方|先生|女士|小姐|太太|某人|匿名(?:者|人)?|本人|姓名|名字|全名|姓氏|患者|病人|嘉宾|用戶|说话人|路人
fill: 在|此次|本次|该|該|这|這|通话|通話|对话|對話|会话|谈话|電話|电话|聊天|中|里|裡|过程|過程|期间|期間|的|他|她|其|自己|自己的|任何|具体|具體|明确|明確|信息|资讯|資訊|资料|資料|数据|号码|號碼|邮箱|郵箱|电子邮件|電子郵件|地址|联系|聯絡|方式|原因|相关|關於|关于|有关|尚|暂|也|并|並|被|过|過|了|来电|來電|记录|所|到|任|何|有|没有|沒有|为|是|有无

[ja]
nothing: (?:提供|言及|回答|申告|開示|記載|指定|確認|明示|提示|特定|記入|入力|共有|説明|明か|話|教え|述べ|名乗|言|伝え|答え|聞き出|知らさ|知らせ|取得|把握|自己紹介|聞き取|聞取|表明|公開|該当|登録|触|ふ|聞|き|うかが|伺)(?:を|は|が|し|さ|れ|せ|ら|り|っ|わ|て|い|お|お知らせ|でき|出来|く|もらえ|もらい|れて|頂け|いただけ|おり|お答え|に|も)*(?:ない|なかった|ません(?:でした)?|ず|ぬ|なし|無し)
nothing: 不明|不詳|未(?:提供|確認|回答|記入|入力|定義|設定|登録|申告|取得|公開|指定|言及|記載|詳|聴取|開示|共有|特定|名乗|答|選択)|な(?:し|い)|無(?:し|記名|回答|名|い)|該当なし|特になし|分から(?:ない|ず)|わから(?:ない|ず)|(?:分か|わか|知)りません(?:でした)?|知らない|ありません(?:でした)?|ございません|非公開|匿名|情報なし|空欄|名無し|伏せ字|拒否
name: (?:お|御)?客(?:様|さま|さん)?|発信者|通話者|電話の相手|相手|利用者|ユーザー|ユーザ|顧客|ゲスト|匿名(?:者|希望)?|話者|ご?本人|(?:お|御)?名前|氏名|苗字|名字|患者|誰か|電話(?:を)?かけ(?:て)?(?:きた)?(?:人|方)|コーラー|カスタマー|クライアント
fill: 希望|回答|返答|提供|まし|しました|は|が|を|の|に|で|と|も|から|まで|へ|や|て|た|だ|です|ます|した|して|さん|様|この|その|通話|会話|電話|中|内|時|時点|では|には|において|について|関する|関して|情報|番号|電話番号|メールアドレス|メール|アドレス|住所|連絡先|詳細|理由|具体的|明確|一切|まだ|何|何も|値|項目|でした|ため|ということ|言|特に|現|本|際

[ko]
nothing: (?:제공|언급|명시|확인|공개|기재|지정|응답|답변|대답|말|밝히|알려주|알리|말씀|소개|공유|특정|파악|입력|설명|주|답하|남기|드러나|이야기|얘기|나오)(?:을|를|이|가|은|는|도)?(?:하|되|해|해주|하시|시|되어|돼|있)*(?:지)?(?:는|도|를)?(?:않[가-힣]*|못(?:함|했|하|합|한)[가-힣]*|안[가-힣]*|아니[가-힣]*)
nothing: (?:제공|언급|명시|확인|공개|응답|답변|입력|기재|말|지정)(?:된|한|할)?(?:바|적|것|내용)?(?:이|가)?(?:없음|없습니다|없었음|없었습니다|없다|없어요|안됨|안함|안했[가-힣]*|불가)
nothing: 미(?:제공|언급|상|확인|기재|응답|공개|정|입력|지정|답변|명시|파악)|알수없[가-힣]*|알지못(?:함|했|하|합|한)[가-힣]*|모름|모릅니다|모르[가-힣]*|무응답|무명|무기명|익명|(?:정보|해당|이름|해당사항|데이터|내용|답변|기록|언급)(?:이|가)?없[가-힣]*|없음|없습니다|없어요|불명|비공개|해당없음|거부[가-힣]*
name: 발신자|전화(?:를)?건사람|통화자|고객(?:님)?|손님|사용자|이용자|유저|게스트|익명(?:자)?|화자|상대방|본인|이름|성명|성함|환자|누군가|클라이언트|신원|선생님|사장님|아무개
fill: 답변|대답|제공|은|는|이|가|을|를|의|에|에서|로|으로|도|와|과|자신|그|그녀|해당|통화|대화|전화|중|동안|내내|정보|번호|전화번호|이메일|주소|연락처|관련|대한|대해|명시적|구체적|아직|어떤|아무|것|사항|이유|값|항목|내용|따로|별도

[th]
nothing: ไม่(?:ได้)?(?:ระบุ|ให้|แจ้ง|บอก|กล่าวถึง|กล่าว|เปิดเผย|ทราบ|รู้|ตอบ|พบ|มีข้อมูล|มีชื่อ|มี|เอ่ย|ประสงค์)+(?:ข้อมูล|ชื่อ)?|ไม่ระบุ(?:ชื่อ|นาม)?|นิรนาม|ยังไม่(?:ได้)?(?:ระบุ|ทราบ|แจ้ง)|ว่างเปล่า
name: ผู้โทร|ลูกค้า|ผู้ใช้|ผู้สนทนา|นิรนาม|แขก|คุณ|ชื่อ|นามสกุล|บุคคล
fill: ใน|การ|สนทนา|โทร|ครั้งนี้|ระหว่าง|ของ|ตน|เอง|ตนเอง|ที่|ออก|มา|ว่า|เบอร์|หมายเลข|โทรศัพท์|อีเมล|ที่อยู่|ข้อมูล|ชื่อ|ผู้|เขา|เธอ|จะ
"""
