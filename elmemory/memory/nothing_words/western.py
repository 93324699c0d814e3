"""English, Spanish, French, German, Portuguese, Italian, Dutch, the Nordic languages and Romanian."""

WESTERN = """
[en]
no: nope not no never none nothing neither nor without didn doesn don wasn weren isn aren hasn haven hadn won wouldn
no: couldn cannot can_t unable missing insufficient
give: responded respond leave leaves left give gives given gave giving provid* mention* specif* state stated states
give: stating say says said saying tell tells told telling disclos* shar* supply supplied supplies indicat* answered
give: reveal* name named identif* ask asked asking discuss* reported reports captur* obtain* determin* record*
give: volunteer* clarif* introduc* know knows knew understand information info data detail* extract* infer* expressed
give: contain contains contained found gather* collect* hear heard catch caught detected audible legible entity
mute: declin* refus* withh* prefer* reluctan* unwilling avoided unable hesita* skipped
alone: to_answer not_answer not_answered didn_t_answer not_answering tbd tba to_be_determined not_yet_known unclear
alone: unknown unspecified undisclosed undefined unstated unanswered unidentified unclear_from_the_call null nil nan na
alone: n_a not_known is_unknown isn_t_known unnamed redacted anonymized anonymised no_name noname unintelligible
alone: inaudible noanswer before_the_caller before_the_user before_the_customer before_they before_it_could
alone: before_the_information before_giving before_providing before_stating before_sharing nameless name_omitted
alone: call_was_disconnected_before call_disconnected_before tbc n_k to_be_confirmed to_follow
none: not_collected unavailable none not_applicable not_available no_email no_email_address no_phone no_number
none: no_phone_number nothing missing
name: hung_up wrong_number voicemail ai bot robot wife husband mother father sister brother daughter spouse partner
name: relative friend caller callers customer customers user users client clients guest anonymous anon speaker person
name: someone somebody anyone nobody sir madam maam mr mrs ms miss mx human participant interlocutor contact visitor
name: patient woman lady gentleman male female individual party name names first last given family surname full
name: prospect lead member agent assistant placeholder firstname lastname username nickname stranger unknown private
name: withheld restricted refused declined skipped ivr robocall telemarketer answering_machine automated_system
name: not_sure unsure idk voice empty silence pending awaiting extraction_failed nn n_n
fill: at_all one ones stay remain them be end the a an this that these those it its is was were are been being has have
fill: had do does did will would could should to by of in on at for from during throughout within about regarding
fill: concerning with as and or any so far yet ever explicitly directly clearly specifically verbally their his her he
fill: she they him i we you my our your me conversation call calls transcript chat dialogue interaction recording point
fill: time moment anywhere here there value values field number numbers email e mail address phone contact callback
fill: reason question questions specific particular further additional other more t ve s wants want wish wished wishes
fill: chose chosen opted when before asked prompted agent because hung up ended early if it's which who while still
fill: currently present enough sufficient relevant actual real personal identifying own himself herself themselves
fill: myself available found included calling on_file disconnected dropped cut off rather new inbound incoming outbound
fill: returning existing prospective potential regular frequent elderly young old older wireless spam first_time answer
fill: context

[es]
no: no ni nunca sin ningun ninguna ninguno nada tampoco
give: respondio respondido responder decirlo decirla decirlos darlo darla saberlo dio dado dada dar da di dijo dicho
give: dice decir proporcion* mencion* indic* especific* facilit* aport* inform* comunic* compart* revel* declar*
give: contest* sabe sabemos saber conoce dato datos consta detall* identific* expres* señal* manifest* suministr*
give: pregunt* aclar* registr* proveer provey* nombre figura determin* obten* obtuvo refier*
mute: nego nego_a prefiri* prefiere rehus* declin* rechaz* quiso quiere
alone: no_lo_se desconocid* sin_nombre sin_datos sin_informacion sin_respuesta sin_especificar n_a s_n anonimizado
alone: anonimizada no_se se_desconoce no_consta indefinid* no_sabe_no_contesta ns_nc no_conocid* s_d
none: ningun* nada no_aplica no_disponible sin_correo sin_email sin_telefono sin_numero
name: llamante cliente clienta usuario usuaria persona interlocutor interlocutora anonimo anonima invitado invitada
name: señor señora señorita sr sra srta desconocido desconocida nombre apellido apellidos contacto paciente huesped
name: alguien nadie hombre mujer nuevo nueva
fill: el la los las un una unos unas lo le les su sus de del al a en por para con y o que se ha han he habia fue fueron
fill: es esta este esto estos ese eso esa durante conversacion llamada transcripcion chat dialogo momento numero correo
fill: electronico email telefono direccion algun alguna alguno cualquier informacion campo valor aun todavia
fill: explicitamente quien mi tu nos sido estar ser respecto sobre acerca motivo otro otra ningun pregunta hacer ella
fill: ellos disponible pudo pudieron posible pila

[fr]
no: ne n pas non aucun aucune jamais sans ni rien
give: prononc* dit_pas donne donner donnee donnees donnes fourni* communiqu* precis* mentionn* indiqu* dit dire dites
give: renseign* specifi* partag* divulgu* revel* declar* repond* sait sais connait connais inform* evoqu* exprim*
give: identifi* laisse laissee detail* nomm* transmis* mention mentions abord* determin* obten* reponse
mute: souhait* refus* prefer* decline declina
alone: inconnu* non_renseigne non_renseignee sans_nom sans_reponse n_a indefini indefinie anonymise anonymisee
alone: indetermine* non_precise non_fourni nc n_c s_o non_connu* pas_connu*
none: aucun aucune rien neant sans_objet non_disponible indisponible pas_disponible non_applicable pas_d_email
none: pas_d_e_mail pas_d_adresse pas_de_telephone pas_de_numero
name: appelant appelante client cliente utilisateur utilisatrice personne interlocuteur interlocutrice anonyme invite
name: invitee monsieur madame mademoiselle mme mlle inconnu inconnue nom prenom patient patiente contact homme femme
name: quelqu quelqu_un correspondant usager abonne
fill: electronique raccroche le la les l un une des de du d a au aux en dans par pour et ou que qu il elle on ils elles
fill: je nous vous son sa ai as avons ses leur leurs mon ma ce cette cet cela ca c est ete etre avait avoir ont lors
fill: pendant durant cours conversation appel transcription echange chat moment numero adresse mail e email courriel
fill: telephone se s lui me m y explicitement encore information informations champ valeur quelconque autre quant sujet
fill: concernant raison question veut voulu disponible pu possible peut nouveau nouvelle

[de]
no: nicht kein keine keinen keiner keinem keines nie niemals nichts ohne weder noch
give: erfragt machen mitzuteilen anzugeben zu_nennen angegeben angab angeben angibt gegeben geben genannt nannte nennt
give: nennen nennung erwahn* mitgeteilt mitteilen mitteilte teilte gesagt sagte sagt sagen verraten preisgegeben weiss
give: wissen wusste geantwortet antwortete beantwortet* spezifizi* ubermittelt* hinterlassen hinterliess angabe angaben
give: information informationen daten auskunft genannte ermittel* bestimm* erfass* gefragt abgefragt vorgestellt
give: identifizi* nannten erfahr* bereitgestellt offengelegt erkennbar ersichtlich machte gemacht nahere konkret*
give: besprochen thematisiert name namen namens*
mute: verweiger* wollte mochte lehnte weigerte will
alone: liegt_nicht_vor liegen_nicht_vor unbekannt* k_a keine_angabe unbenannt namenlos anonymisiert geschwarzt o_a
alone: unbestimmt ohne_angabe ohne_namen undefiniert nicht_bekannt entfallt fehlt fehlend
none: keine keiner keines nichts nicht_zutreffend nicht_verfugbar nicht_vorhanden
name: anrufer anruferin anrufende anrufender kunde kundin nutzer nutzerin benutzer benutzerin gast person sprecher
name: sprecherin herr frau fraulein unbekannt unbekannter unbekannte teilnehmer teilnehmerin gesprachspartner jemand
name: niemand name namen vorname nachname familienname patient patientin mandant mandantin klient klientin
name: gesprachspartnerin interessent interessentin user kontakt anonym*
fill: machen mailadresse emailadresse telefonnummer der die das den dem des ein eine einen einem einer er sie es ihr
fill: ihre ihren ihrem ihrer sein seine seinen seinem ich mein meinen wir hat haben hatte hatten wurde wurden worden
fill: ist sind war waren wird werden im in am an auf zu zum zur von vom mit uber bei bezuglich hinsichtlich fur wahrend
fill: und oder dass dies diese dieser dieses gesprach gesprachs gespraches anruf anrufs telefonat telefonats transkript
fill: chat verlauf konversation unterhaltung explizit ausdrucklich bisher noch weitere genauen nummer adresse e mail
fill: email grund wert feld darauf dazu hierzu sich nicht frage konkreten preis gab gibt verfugbar bekannt vorhanden
fill: konnte konnten neuer neue neuen

[pt]
no: nao sem nenhum nenhuma nunca nem nada
give: deu dado dada dados dar disse dito dizer diz fornec* mencion* inform* indic* especific* compartilh* partilh*
give: revel* declar* respond* sabe sei saber perguntad* identific* express* detalh* coment* registr* consta cit*
give: foi_dito mencao nome divulg* facult* determin* obter obtid*
mute: quis quer recus* prefer* negou negou_se
alone: desconhecid* sem_nome sem_informacao sem_informacoes sem_resposta n_a anonimizado anonimizada indefinid*
alone: nao_consta sem_dados nd n_d n_i nao_conhecid*
none: nenhum nenhuma nada nao_se_aplica nao_aplicavel nao_disponivel indisponivel sem_email sem_e_mail sem_telefone
name: chamador chamadora cliente usuario usuaria utilizador utilizadora utente pessoa interlocutor interlocutora
name: anonimo anonima convidado convidada hospede senhor senhora senhorita sr sra srta desconhecido desconhecida nome
name: sobrenome apelido contato contacto paciente alguem ninguem homem mulher ligante
fill: houve o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com e ou que se seu sua seus
fill: suas ele ela eles eu meu minha foi foram ser sido tem teve havia esta este isso isto essa esse durante conversa
fill: chamada ligacao transcricao chat dialogo momento numero telefone email mail endereco correio eletronico algum
fill: alguma qualquer informacao informacoes campo valor ainda explicitamente sobre relacao motivo outro outra pergunta
fill: lhe disponivel possivel pode novo nova

[it]
no: non nessun nessuna nessuno mai senza ne niente nulla
give: risposto dirlo dirla darlo dirmelo dato data dati dare ha_dato detto dire dice forni* menzion* indic* specific*
give: comunic* condivi* rivel* dichiar* rispond* sa so sapere conosc* chiest* identific* espress* precis* rilasciat*
give: lasciat* informazion* dettagli* citat* accenn* riferi* nome riportat* presentat* determin* ottener* ottenut*
give: risposta
mute: rifiut* preferi* voluto vuole
alone: sconosciut* ignoto ignota senza_nome non_applicabile n_a n_d nd indefinit* non_pervenuto anonimizzato
alone: anonimizzata non_not* non_e_not* mancante
none: nessuno nessuna niente nulla non_disponibile indisponibile
name: chiamante cliente utente persona interlocutore interlocutrice anonimo anonima ospite signore signora signorina
name: sconosciuto sconosciuta nome cognome contatto paziente qualcuno nessuno uomo donna visitatore
fill: il lo la i gli le l un uno una di del dello della dei degli delle da dal dalla in nel nella nei con su sul sulla
fill: per e o che si suo sua suoi sue ha hanno ho aveva stato stata stati state essere durante conversazione chiamata
fill: telefonata trascrizione chat dialogo momento numero telefono email mail indirizzo posta elettronica alcun alcuna
fill: alcuno qualsiasi questo questa cio ancora esplicitamente proprio propria mio mia riguardo merito motivo domanda
fill: lui lei campo valore corso a al alla disponibile possibile nuovo nuova

[nl]
no: niet geen nooit zonder niets noch
give: antwoordde antwoordt geantwoord gegeven gaf geeft geven opgegeven genoemd noemde noemt noemen vermeld* verstrek*
give: gedeeld meegedeeld gezegd zei zegt zeggen gespecificeerd aangegeven doorgegeven verteld vertelde beantwoord* weet
give: wist weten informatie gegevens besproken gevraagd achtergelaten liet genoemde geidentificeerd naam duidelijk
give: medegedeeld ingevuld bepaal* achterhaal*
mute: weiger* wilde wil liever
alone: onbekend* nvt n_v_t n_b nb naamloos geanonimiseerd ongespecificeerd ongedefinieerd n_a niet_bekend ontbreekt
none: geen niets niet_van_toepassing niet_beschikbaar
name: beller klant gebruiker gebruikster anoniem gast persoon spreker meneer mevrouw mijnheer dhr mevr onbekend
name: onbekende naam voornaam achternaam deelnemer iemand niemand patient client clienten contactpersoon vrouw anonieme
fill: de het een van in op aan bij voor met door over tijdens en of dat dit die deze er haar zijn hun hij zij ze ik
fill: mijn we heeft hebben had is was werd werden wordt worden gesprek telefoongesprek oproep transcript chat moment
fill: nummer telefoonnummer adres e mail email mailadres reden waarde veld nog expliciet verdere enige te om
fill: gesprekspartner beschikbaar kon nieuwe

[sv]
no: inte ej ingen inga inget aldrig utan
give: uppgavs angett angiv* angav ange uppge* uppgav uppgift* namn* sagt sa sade saga berattat berattade delat delade
give: lamnat lamnade gett gav ge svar* vet information specificer* avslojat avslojade fragat presenterat presenterade
give: fram framkom framgar omnamn*
mute: vagra* ville vill avboj*
alone: okant okand* ej_angivet ej_angiven namnlos ej_tillampligt n_a ospecificerad* uppgift_saknas anonymiserad
alone: odefinierad obekant inte_kan* ej_kan* saknas
none: ingen inga inget ingenting ej_tillganglig* inte_tillganglig*
name: okant uppringare uppringaren inringare inringaren kund kunden anvandare anvandaren anonym gast gasten person
name: personen talare talaren herr fru froken okand namn fornamn efternamn nagon ingen klient klienten patient
name: patienten kvinna namnet
fill: postadressen postadress telefonnumret mejladress den det de en ett sitt sin sina hans hennes deras jag mitt har
fill: hade ar var blev blivit vid under i pa av for till med om som och eller att samtalet samtal konversationen
fill: chatten transkriptet nummer telefonnummer adress epost e post mejl email anledning nagot nagon nagra annu
fill: uttryckligen vidare detta denna ut fram

[da]
no: ikke ingen intet aldrig uden ej
give: oplyst oplyste oplyse oplysning* oplyser angivet angav angive naevnt naevnte naevner givet gav give sagt sagde
give: sige fortalt fortalte delt delte svar svaret svarede ved vidste information specificer* afslor* spurgt
give: praesenteret udleveret navngivet navn fremgar
mute: naegte* afviste onsker onskede
alone: ukendt* ikke_oplyst uoplyst navnlos n_a uspecificeret ikke_relevant anonymiseret ikke_kendt mangler
none: ingen intet ikke_tilgaengelig*
name: opkalder opkalderen kunde kunden bruger brugeren anonym gaest gaesten person personen taler hr fru froken ukendt
name: navn fornavn efternavn nogen ingen klient patient kvinde indringer navnet
fill: den det de en et sit sin sine hans hendes deres jeg mit har havde er var blev blevet ved under i pa af for til
fill: med om som og eller at samtalen samtale opkaldet opkald chatten nummer telefonnummer adresse e mail email grund
fill: noget nogle endnu eksplicit yderligere dette denne

[no]
no: ikke ingen ingenting aldri uten ei
give: oppgitt oppga oppgi oppgir oppgav opplyst opplyste opplysning* angitt nevnt nevnte nevner gitt ga gi sagt sa si
give: fortalt fortalte delt delte svar svart svarte vet informasjon spesifiser* avslort spurt presentert navn fremgar
mute: nektet avslo onsker onsket onskede
alone: ukjent* ikke_oppgitt uoppgitt navnlos n_a uspesifisert ikke_aktuelt anonymisert ikke_kjent mangler
none: ingen ingenting ikke_tilgjengelig*
name: innringer innringeren oppringer kunde kunden bruker brukeren anonym gjest gjesten person personen taler herr fru
name: froken ukjent navn fornavn etternavn noen ingen klient pasient kvinne navnet
fill: den det de en et ei sitt sin sine hans hennes deres jeg mitt har hadde er var ble blitt ved under i pa av for til
fill: med om som og eller at samtalen samtale anropet chatten nummer telefonnummer adresse e post epost mail email
fill: grunn noe noen enna eksplisitt ytterligere dette denne a

[fi]
no: ei eivat en emme ilman
give: kerto* kerro* ilmoit* maini* anta* anto* annet* sano* vastan* vastaus* tied* tieto* tunne* paljast* esittel*
give: jakanut kysyt* nime* maarit*
mute: kieltay* halunnut halua
alone: tuntematon tuntematonta ei_tiedossa ei_mainittu ei_ilmoitettu ei_tietoa ei_sovellu nimeton n_a puuttuu
none: ei_saatavilla ei_mitaan
name: soittaja asiakas kayttaja nimeton anonyymi vieras henkilo puhuja herra rouva neiti tuntematon nimi etunimi
name: sukunimi joku potilas nainen
fill: se han hanen oma omaa nimeaan nimea nimensa on oli ole ollut puhelun puhelussa aikana keskustelun keskustelussa
fill: numeroa numero puhelinnumeroa osoitetta sahkopostia ja tai etta tata tassa viela mitaan asiasta syyta

[ro]
no: nu fara niciun nicio nici niciodata nimic
give: spuna spun furniz* oferi* mention* specific* spus spune indic* comunic* declar* dat data dezvalui* impartas*
give: raspuns* stie stiu cunosc* informat* date precizat* intrebat* identific* exprim* lasat nume numele cunoast*
mute: dorit vrut refuz* prefer*
alone: necunoscut* nespecificat* nementionat* neprecizat* nefurnizat* nedeclarat* n_a fara_nume nedefinit*
alone: nu_este_cazul nu_se_aplica anonimizat nu_este_cunoscut* lipseste lipsa
none: niciunul niciuna nimic indisponibil*
name: apelant apelantul apelanta apelantului client clientul clienta clientului utilizator utilizatorul utilizatorului
name: anonim anonima oaspete persoana interlocutor interlocutorul domnul domnule doamna domnisoara dl dna necunoscut
name: necunoscuta nume numele prenume prenumele cineva nimeni pacient pacientul pacienta femeie
fill: un o al a ai ale de din la in pe cu si sau ca sa si-a isi lui ei lor meu mea au am fost este sunt era timpul
fill: cursul timp conversatiei convorbirii apelului conversatie apel transcriere numarul numar telefon adresa e mail
fill: email motivul motiv valoare camp inca explicit acest aceasta aceste vreun vreo s mailul emailul telefonul se
"""
