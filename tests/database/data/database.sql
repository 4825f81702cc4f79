-- A database at revision 0008, written by the program before the rebuild: made-up rows of every kind.
CREATE TABLE registration_sample_1 PARTITION OF registration FOR VALUES FROM ('sample', 1) TO ('sample', 2);
GRANT SELECT ON registration_sample_1 TO recall_service;
COPY alias_version (county_id, aliases_version, streets, cities, source_sha256, loaded_by, loaded_at) FROM stdin;
sample	1	1	1	0c0792d666fa8461b1682418090918f0fb1c4ba22e42e265c87db56667c0cce9	admin-1	2022-07-07 08:00:54+00
\.
COPY api_key (county_id, prefix, principal, role, secret_sha256, created_at, expires_at, revoked_at, last_used_at, issued_by, revoked_by) FROM stdin;
sample	1a39adf6	system-1	system	\\xc12956e76419903aae958536cf0058183b829a1563ab536255226f224ca6e783	2022-07-07 08:00:08+00	\N	\N	\N	command line	\N
sample	27e6fba6	station-1	station	\\xa6125ccacc0609bd407872cbe739821855fe5c1be92c5fbf440c8621a2ff38cc	2022-07-07 08:00:01+00	\N	\N	2022-07-07 08:00:13+00	command line	\N
sample	38b38aad	clerk-1	clerk	\\x4271e5ff482739f9ba61d33a6a47b668f306cd75f9eb4f112507dd3f3a485f03	2022-07-07 08:00:04+00	\N	\N	2022-07-07 08:00:10+00	command line	\N
sample	413db4b1	monitor-1	monitor	\\x9ecc009dbeb25f25a58d7ac106473e18e3e64ab70b04a8a8cee1f1908279a93e	2022-07-07 08:00:07+00	\N	\N	2022-07-07 08:01:08+00	command line	\N
sample	a3ac4743	supervisor-1	supervisor	\\x419686a6e0ccf5a925bfb067de49df2600d113e5f7807df5a08bf3d63010fdf8	2022-07-07 08:00:05+00	\N	\N	2022-07-07 08:00:38+00	command line	\N
sample	b0041a21	auditor-1	auditor	\\x9a3deb400d10719c78aa18e2e5d9b430f674b97e14e7d49e8337559ba6780e27	2022-07-07 08:00:06+00	\N	\N	2022-07-07 08:00:12+00	command line	\N
sample	bed90f62	admin-1	admin	\\x96f0631b3f4a3fa93cf5a430a94358816d57dfe061c47432d55b3c6b725873f3	2022-07-07 08:00:09+00	\N	\N	2022-07-07 08:00:53+00	command line	\N
\.
COPY checkpoint (county_id, petition_id, checkpoint_no, tree_size, frontier, note, created_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	5	\\xa05e906acc270d4d225b2d2998093696182647b496c47001a4aa768e95637602224f27cb3a051688eb9ce01e91ee5e55a9eea415e2e7e86751d31cdd48fa99b3	recall-petition-verifier/sample/0181d7ac-6ef8-7e90-ba6a-49766ecf5033\n5\nPrzhsmKiG37shO7KogONjPOU1IJblCsXcC3EfHWd6Jo=\ncheckpoint 1\nprevious AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nat 2022-07-07T08:00:22+00:00\nhead KNK8QtlUQMOoEOg/FvEnCmeYdFlO9ZXfbIETQJcYRVI=\ntally {"by_reason":{"duplicate":1,"not_registered":2},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":3,"valid":6}\n\n— recall-petition-verifier tlZR4vh3LTWcTXFua0pMKmct3qHaSUv/0TI6I1A1YK8yYoOS6+XxHJS9sp5vjzVsYF/jD/z11vaQRjiVqa1XCERLAQI=\n	2022-07-07 08:00:22+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	16	\\x3adcf0ea137ddf40ea6096c1c69fa295fa9590b3544084a19126f0197d946b4a	recall-petition-verifier/sample/0181d7ac-6ef8-7e90-ba6a-49766ecf5033\n16\nOtzw6hN930DqYJbBxp+ilfqVkLNUQIShkSbwGX2Ua0o=\ncheckpoint 2\nprevious 5uG2QLjB2Q7LNmnOtm24nwlOlp7AkY5ISF484Q4aFO0=\nat 2022-07-07T08:01:12+00:00\nhead vAOVzZakQ60/6yDT14qouuGMrn+7cgtjmrxGvuZfh0A=\ntally {"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":1,"unsettled":2,"valid":7}\n\n— recall-petition-verifier tlZR4reW+PnSxh1D576ewipkNx4e0TZppcqmM1QpBihc0/7Z/aGpkxvNW0no97SAtslNs93ZVeF5B4tsXSlJarDHKg4=\n	2022-07-07 08:01:12+00
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	1	3	\\xe5881dcf4ca9cf29c1ddaa7f1fe59210f24a84adef98987f449ffd42202c5a38259ba7ac9601ce79639414e5d32cbd98bc8ca6689017048deb8d5491560d07f7	recall-petition-verifier/sample/0181d7ad-3630-720e-acf4-f0d35e7615d9\n3\nTLi478PJLA2niQlZPEQLZgUfLoMf/j2DCIvCvbCY9Fg=\ncheckpoint 1\nprevious AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nat 2022-07-07T08:01:07+00:00\nhead 6C5LftF6uk4fpzrN0TFNfPjXqh0EYulnvf3KQwQPFM8=\ntally {"by_reason":{},"invalid":0,"raw":1,"received":0,"review":0,"unsettled":0,"valid":1}\n\n— recall-petition-verifier tlZR4sJxipKBu1vfZ2+hwGu5IhzQHJEsCsAIboW7JIVhsMnOQYEiWlZVDuZWoBOB1SsH7BcL4HRtPsienyVsWqS6TgA=\n	2022-07-07 08:01:07+00
\.
COPY county (county_id, name, created_at, aliases_version) FROM stdin;
sample	sample	2026-11-26 04:29:32.282135+00	1
\.
COPY county_alias (county_id, aliases_version, kind, alias, name) FROM stdin;
sample	1	city	Hollywood	Los Angeles
sample	1	street	Old Maple Rd	Maple Ave
\.
COPY finding (county_id, petition_id, section, page, line, finding_no, version, leaf_no, salt, content) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	1	2	0	\\x6f5186c605a39cb938104215baf293f5	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:14+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["BERNARD","exact",1.96],"house":["107","same",-0.0545],"middle":["","missing",-0.05],"street":["JUNIPER","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":1,"standing":"registered","voter_id":"V1","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"107","street":"JUNIPER","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, BERNARD (plain)","BERNARD, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-1","reason":null,"reason_open":false,"registration_no":1,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V1","writing_sha256":"ed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	2	12	0	\\x14ccb3629142433c90ec8ea8eb841401	{"confirmed_by":["clerk-1"],"counted_place":null,"decided_at":"2022-07-07T08:00:43+00:00","decided_by":"clerk-1","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":true,"place":"1-1-1","reason":"illegible","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":"V1","writing_sha256":"ed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	3	13	0	\\x1f6df74193faefb8a9b0a7f191e6d7fb	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:46+00:00","decided_by":"supervisor-1","evidence":null,"finding_no":3,"mismatch_by":[],"note":"look again","person":true,"place":"1-1-1","reason":"undone","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":null,"writing_sha256":"ed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	4	14	0	\\x7ecaeaf049161d0abbb004a7eaf3cc5e	{"confirmed_by":["clerk-1"],"counted_place":null,"decided_at":"2022-07-07T08:00:49+00:00","decided_by":"clerk-1","evidence":null,"finding_no":4,"mismatch_by":[],"note":"","person":true,"place":"1-1-1","reason":null,"reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V1","writing_sha256":"ed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	2	1	3	0	\\x5e28e32dd092a07aa0b48b1f30a063a1	{"confirmed_by":[],"counted_place":"1-1-1","decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["BERNARD","exact",1.96],"house":["107","same",-0.0545],"middle":["","missing",-0.05],"street":["JUNIPER","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":1,"standing":"registered","voter_id":"V1","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"107","street":"JUNIPER","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, BERNARD (plain)","BERNARD, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-2","reason":"duplicate","reason_open":false,"registration_no":1,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":"V1","writing_sha256":"ed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	2	2	12	1	\\x5f3025c026a7780fd647cdcdb7274013	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:43+00:00","decided_by":"machine","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"1-1-2","reason":null,"reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V1","writing_sha256":null}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	2	3	14	1	\\x7af99de8dca0af072960b714d468d9cb	{"confirmed_by":[],"counted_place":"1-1-1","decided_at":"2022-07-07T08:00:49+00:00","decided_by":"machine","evidence":null,"finding_no":3,"mismatch_by":[],"note":"","person":false,"place":"1-1-2","reason":"duplicate","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":"V1","writing_sha256":null}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	3	1	3	1	\\xbad4dffc9d50a8f1348028d11fcf5b75	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["CORDELIA","exact",1.96],"house":["114","same",-0.0545],"middle":["","missing",-0.05],"street":["CEDAR","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":2,"standing":"registered","voter_id":"V2","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"114","street":"CEDAR","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, CORDELIA (plain)","CORDELIA, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-3","reason":null,"reason_open":false,"registration_no":2,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V2","writing_sha256":"a97025da94ee382de540c4d4edff254340ac967e6a379819f12c4c3e31c0e2ca"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	3	2	9	0	\\x65013c990c952c3cc15cc856d1af6068	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:34+00:00","decided_by":"machine","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"1-1-3","reason":"withdrawn","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":"V2","writing_sha256":null}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	4	1	3	2	\\x99069a272bd827fb15eaa1d235b0ab32	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[],"considered":0,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","namesakes":0,"read":{"addresses":[{"house":"9876","street":"MAPLE","way":"AVE"}],"city":"LOS ANGELES","names":["QUACKENBUSH, ADELINE (plain)","ADELINE, QUACKENBUSH (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0,"moved":0,"not_registered_in_time":0,"relative":0.0,"stranger":1.0}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-4","reason":"not_registered","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"invalid","voter_id":null,"writing_sha256":"b5cdf1894ed1faf3f52184d3cc8167b0c4416d2e3373004a49d7072ea56f612b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	4	2	5	0	\\xdb166866e117dea056823ccf99c3035d	{"confirmed_by":["clerk-1"],"counted_place":null,"decided_at":"2022-07-07T08:00:21+00:00","decided_by":"clerk-1","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":true,"place":"1-1-4","reason":"not_registered","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":null,"writing_sha256":"b5cdf1894ed1faf3f52184d3cc8167b0c4416d2e3373004a49d7072ea56f612b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	5	1	3	3	\\x32c4cf1d5238eddf8298daa81d15171b	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["DESMOND","exact",1.96],"house":["121","same",-0.0545],"middle":["","missing",-0.05],"street":["WILLOW","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":3,"standing":"registered","voter_id":"V3","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"121","street":"WILLOW","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, DESMOND (plain)","DESMOND, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-5","reason":null,"reason_open":false,"registration_no":3,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V3","writing_sha256":"bd43930992781fc2cb4e4561973934eca24e3ab8976f5b046ec91d841c934a35"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	5	2	15	0	\\x3bbb528f8d8db222c2437ef752e6d0de	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:52+00:00","decided_by":"clerk-1","evidence":null,"finding_no":2,"mismatch_by":["clerk-1"],"note":"","person":true,"place":"1-1-5","reason":null,"reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"valid","voter_id":"V3","writing_sha256":"bd43930992781fc2cb4e4561973934eca24e3ab8976f5b046ec91d841c934a35"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	1	1	3	4	\\x90897cd42cced1ce583d1de01e4f51e0	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["ESTELLE","exact",1.96],"house":["128","same",-0.0545],"middle":["","missing",-0.05],"street":["SYCAMORE","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":4,"standing":"registered","voter_id":"V4","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"128","street":"SYCAMORE","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, ESTELLE (plain)","ESTELLE, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-2-1","reason":null,"reason_open":false,"registration_no":4,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V4","writing_sha256":"8fd86576f697bd9e7d2f98b6a866aaf322b406beb0f2ec6dac87f24dfbdb2ed5"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	1	2	10	0	\\x8f4a2d6432dd8b2e4ebf59fb7f3f49c6	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:37+00:00","decided_by":"machine","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"1-2-1","reason":"withdrawn","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"invalid","voter_id":"V4","writing_sha256":null}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	1	3	11	0	\\xdd35ac64925b07c33f1ddcdc7b944c66	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:40+00:00","decided_by":"machine","evidence":null,"finding_no":3,"mismatch_by":[],"note":"","person":false,"place":"1-2-1","reason":null,"reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V4","writing_sha256":null}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	2	1	3	5	\\x41da3aac91a81605a895f2ce67dc8428	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:16+00:00","decided_by":"machine","evidence":{"candidates":[],"considered":0,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","namesakes":0,"read":{"addresses":[{"house":"9876","street":"MAPLE","way":"AVE"}],"city":"LOS ANGELES","names":["QUACKENBUSH, ADELINE (plain)","ADELINE, QUACKENBUSH (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0,"moved":0,"not_registered_in_time":0,"relative":0.0,"stranger":1.0}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-2-2","reason":"not_registered","reason_open":false,"registration_no":null,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"invalid","voter_id":null,"writing_sha256":"b5cdf1894ed1faf3f52184d3cc8167b0c4416d2e3373004a49d7072ea56f612b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	2	2	6	0	\\x7c51c6c7bc2a73326bc1b0f6be5df37c	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:25+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["ADELINE","exact",1.96],"house":["156","same",-0.0545],"middle":["","missing",-0.05],"street":["WILLOW","same",-0.06826],"suffix":["","none",0.0],"surname":["BUCHANAN","exact",1.51],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98857,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":8,"standing":"registered","voter_id":"V8","weight":6.91,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"156","street":"WILLOW","way":"AVE"}],"city":"LOS ANGELES","names":["BUCHANAN, ADELINE (plain)","ADELINE, BUCHANAN (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98697,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00476}},"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"1-2-2","reason":null,"reason_open":false,"registration_no":8,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V8","writing_sha256":"7684caa6184fdec57aa6a07fcef1de01003103389502d03478be61adc78ac855"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	1	4	0	\\x093c766d64f1126bd8d1bfc484a27336	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:18+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"near street","fields":{"given":["FREDERICK","exact",1.96],"house":["135","same",-0.0545],"middle":["","missing",-0.05],"street":["MAPLE","garbled",-6.4],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","other type",-5.01],"zip":["90026","same",-0.03167]},"probability":0.27857,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":5,"standing":"registered","voter_id":"V5","weight":-4.28,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","namesakes":1,"read":{"addresses":[{"house":"135","street":"OLDMAPLE","way":"RD"}],"city":"LOS ANGELES","names":["ABERNATHY, FREDERICK (plain)","FREDERICK, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"rules":[{"rule":"street not known"},{"cites":"EC 105(a)(1), 2 CCR 20931","rule":"like name at the address"}],"stories":{"here":0.00206,"moved":0.2765,"not_registered_in_time":0.0,"relative":0.0,"stranger":0.72143}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"2-1-1","reason":"possible_move","reason_open":false,"registration_no":5,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":"V5","writing_sha256":"37c194a571495a37b1a2b38d1199a967400dda1103757e3701bfd44c4597457b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	2	7	0	\\x50d1d9375c70ca16da9411d3c1c72503	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:28+00:00","decided_by":"machine","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"2-1-1","reason":"section_dates","reason_open":false,"registration_no":null,"roll_version":null,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":null,"writing_sha256":"37c194a571495a37b1a2b38d1199a967400dda1103757e3701bfd44c4597457b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	3	8	0	\\x0660e33136fe5dc34732649ab4c68081	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:31+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"near street","fields":{"given":["FREDERICK","exact",1.96],"house":["135","same",-0.0545],"middle":["","missing",-0.05],"street":["MAPLE","garbled",-6.4],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","other type",-5.01],"zip":["90026","same",-0.03167]},"probability":0.27857,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":5,"standing":"registered","voter_id":"V5","weight":-4.28,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-02-01","2022-03-01"],"keys":3,"model":"model-2","namesakes":1,"read":{"addresses":[{"house":"135","street":"OLDMAPLE","way":"RD"}],"city":"LOS ANGELES","names":["ABERNATHY, FREDERICK (plain)","FREDERICK, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"rules":[{"rule":"street not known"},{"cites":"EC 105(a)(1), 2 CCR 20931","rule":"like name at the address"}],"stories":{"here":0.00206,"moved":0.2765,"not_registered_in_time":0.0,"relative":0.0,"stranger":0.72143}},"finding_no":3,"mismatch_by":[],"note":"","person":false,"place":"2-1-1","reason":"possible_move","reason_open":false,"registration_no":5,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":"V5","writing_sha256":"37c194a571495a37b1a2b38d1199a967400dda1103757e3701bfd44c4597457b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	4	16	0	\\xd5dd8cc40829d718c9fe793eb0447fb0	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:55+00:00","decided_by":"machine","evidence":{"aliases":1,"candidates":[{"address":"same","fields":{"given":["FREDERICK","exact",1.96],"house":["135","same",-0.0545],"middle":["","missing",-0.05],"street":["MAPLE","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":5,"standing":"registered","voter_id":"V5","weight":7.05,"written_address":1}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-02-01","2022-03-01"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"135","street":"OLDMAPLE","way":"RD"},{"alias":"Old Maple Rd = Maple Ave","house":"135","street":"MAPLE","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, FREDERICK (plain)","FREDERICK, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":4,"mismatch_by":[],"note":"","person":false,"place":"2-1-1","reason":null,"reason_open":false,"registration_no":5,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V5","writing_sha256":"37c194a571495a37b1a2b38d1199a967400dda1103757e3701bfd44c4597457b"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	2	1	4	1	\\xbc0f488ba6c6d930450baf234cde3e42	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:18+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["GENEVIEVE","exact",1.96],"house":["142","same",-0.0545],"middle":["","missing",-0.05],"street":["JUNIPER","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":6,"standing":"registered","voter_id":"V6","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"142","street":"JUNIPER","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, GENEVIEVE (plain)","GENEVIEVE, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"2-1-2","reason":null,"reason_open":false,"registration_no":6,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V6","writing_sha256":"d628f78d3d0825f4d8b21ac38ac88e9595a5453b4e355677d883ca7bd5e7a40c"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	2	2	7	1	\\xb75f33a749c0352a9af4f7cdb1ec3d71	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:28+00:00","decided_by":"machine","evidence":null,"finding_no":2,"mismatch_by":[],"note":"","person":false,"place":"2-1-2","reason":"section_dates","reason_open":false,"registration_no":null,"roll_version":null,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":null,"writing_sha256":"d628f78d3d0825f4d8b21ac38ac88e9595a5453b4e355677d883ca7bd5e7a40c"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	2	3	8	1	\\x255aa337e8442e382c3481bb010fb18f	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:31+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["GENEVIEVE","exact",1.96],"house":["142","same",-0.0545],"middle":["","missing",-0.05],"street":["JUNIPER","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":6,"standing":"registered","voter_id":"V6","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-02-01","2022-03-01"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"142","street":"JUNIPER","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, GENEVIEVE (plain)","GENEVIEVE, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":3,"mismatch_by":[],"note":"","person":false,"place":"2-1-2","reason":null,"reason_open":false,"registration_no":6,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V6","writing_sha256":"d628f78d3d0825f4d8b21ac38ac88e9595a5453b4e355677d883ca7bd5e7a40c"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	3	1	1	1	4	2	\\x26f67fdea519dd754a87a7b2ba043393	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:18+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"different","fields":{"given":["CORDELIA","exact",1.96],"house":["170","other",-17.88],"middle":["","missing",-0.05],"street":["MAPLE","other",-15.46],"suffix":["","none",0.0],"surname":["BUCHANAN","exact",1.51],"unit":["","none",0.0],"way":["AVE","other type",-5.01],"zip":["90026","same",-0.03167]},"probability":0.25114,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":10,"standing":"registered","voter_id":"V10","weight":-31.3,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","namesakes":1,"read":{"addresses":[{"house":"12","street":"CANYON","way":"RD"}],"city":"LOS ANGELES","names":["BUCHANAN, CORDELIA (plain)","CORDELIA, BUCHANAN (swapped)"],"zip":"90026"},"reader":2,"rules":[{"rule":"street not known"}],"stories":{"here":0.0,"moved":0.25114,"not_registered_in_time":0.0,"relative":0.0,"stranger":0.74886}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"3-1-1","reason":"possible_move","reason_open":false,"registration_no":10,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":false,"status":"review","voter_id":"V10","writing_sha256":"f4ef590e8c3364c3fa8af5486209f51ff4f73098f7a7c97d43ef489cfc667caf"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	9	1	19	1	4	3	\\xb648485b275d50962ddf7944f46c1a5b	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:00:18+00:00","decided_by":"machine","evidence":{"candidates":[{"address":"same","fields":{"given":["HAROLD","exact",1.96],"house":["149","same",-0.0545],"middle":["","missing",-0.05],"street":["CEDAR","same",-0.06826],"suffix":["","none",0.0],"surname":["ABERNATHY","exact",1.64],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98916,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":7,"standing":"registered","voter_id":"V7","weight":7.05,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"149","street":"CEDAR","way":"AVE"}],"city":"LOS ANGELES","names":["ABERNATHY, HAROLD (plain)","HAROLD, ABERNATHY (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98756,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00417}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"9-1-19","reason":null,"reason_open":false,"registration_no":7,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V7","writing_sha256":"0c10f6088244e1c9baf30e6c4bc22634504a46c9e8803bd1ba9cbced9fedda40"}
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	1	1	1	1	2	0	\\x5ccdc5477733308416bfb3646224b944	{"confirmed_by":[],"counted_place":null,"decided_at":"2022-07-07T08:01:04+00:00","decided_by":"machine","evidence":{"aliases":1,"candidates":[{"address":"same","fields":{"given":["BERNARD","exact",1.96],"house":["163","same",-0.0545],"middle":["","missing",-0.05],"street":["SYCAMORE","same",-0.06826],"suffix":["","none",0.0],"surname":["BUCHANAN","exact",1.51],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98857,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":9,"standing":"registered","voter_id":"V9","weight":6.91,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"163","street":"SYCAMORE","way":"AVE"}],"city":"LOS ANGELES","names":["BUCHANAN, BERNARD (plain)","BERNARD, BUCHANAN (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98697,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00476}},"finding_no":1,"mismatch_by":[],"note":"","person":false,"place":"1-1-1","reason":null,"reason_open":false,"registration_no":9,"roll_version":1,"ruleset":"california-local-recall/1","secondary":[],"settled":true,"status":"valid","voter_id":"V9","writing_sha256":"bceabe5e70980d4c7cd6adec8462d0ddb832a0022dde792fe494dfc4a39bee28"}
\.
COPY head (county_id, petition_id, version, hash, state, as_of, received, valid, invalid, review, unsettled, by_reason) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	16	\\xbc0395cd96a443ad3feb20d3d78aa8bae18cae7fbb720b639abc46bee65f8740	open	2022-07-07 08:00:55+00	0	7	3	1	2	{"duplicate": 1, "not_registered": 1, "withdrawn": 1}
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	3	\\xe82e4b7ed17aba4e1fa73acdd1314d7cf8d7aa1d0462e967bdfdca43040f14cf	closed	2022-07-07 08:01:06+00	0	1	0	0	0	{}
\.
COPY idempotency (county_id, petition_id, principal, key, fingerprint, answer, created_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	clerk-1	a-finding	\\xa4ceafcbe2f6a32b705bb3875e48143443282ebc4f437bd5e360ace0adfed85b	201 {"place":"1-1-4","status":"invalid","reason":"not_registered","settled":true,"version":5,"writing":{"printed_name":"ADELINE QUACKENBUSH","name":null,"residence_address":"9876 MAPLE AVE","city":"LOS ANGELES","zip":"90026","signed":true,"image_sha256":null},"finding":{"finding_no":2,"status":"invalid","reason":"not_registered","reason_open":false,"settled":true,"voter_id":null,"secondary":[],"evidence":{"candidates":[],"considered":0,"county":"in","filed_on":"2022-07-06","household":0,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","namesakes":0,"read":{"addresses":[{"house":"9876","street":"MAPLE","way":"AVE"}],"city":"LOS ANGELES","names":["QUACKENBUSH, ADELINE (plain)","ADELINE, QUACKENBUSH (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0,"moved":0,"not_registered_in_time":0,"relative":0.0,"stranger":1.0}},"evidence_of":1,"counted_place":null,"confirmed_by":["clerk-1"],"ruleset":"california-local-recall/1","roll_version":1,"decided_by":"clerk-1","decided_at":"2022-07-07T08:00:21+00:00","note":""}}	2022-07-07 08:00:20+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	clerk-1	a-revision	\\xafe1bd57ae321406258eed27585a3fff90ed4c40b7ba03b55f4ed3217ce3bb3d	201 {"place":"1-2-2","status":"valid","reason":null,"settled":true,"version":6,"writing":{"printed_name":"ADELINE BUCHANAN","name":null,"residence_address":"156 WILLOW AVE","city":"LOS ANGELES","zip":"90026","signed":true,"image_sha256":null},"finding":{"finding_no":2,"status":"valid","reason":null,"reason_open":false,"settled":true,"voter_id":"V8","secondary":[],"evidence":{"candidates":[{"address":"same","fields":{"given":["ADELINE","exact",1.96],"house":["156","same",-0.0545],"middle":["","missing",-0.05],"street":["WILLOW","same",-0.06826],"suffix":["","none",0.0],"surname":["BUCHANAN","exact",1.51],"unit":["","none",0.0],"way":["AVE","same",-0.0176],"zip":["90026","same",-0.03167]},"probability":0.98857,"reading":"plain","registration":{"received":"2010-01-02","signed":"2010-01-01","status":"active"},"registration_no":8,"standing":"registered","voter_id":"V8","weight":6.91,"written_address":0}],"considered":1,"county":"in","filed_on":"2022-07-06","household":1,"interval":["2022-01-27","2022-07-06"],"keys":3,"model":"model-2","read":{"addresses":[{"house":"156","street":"WILLOW","way":"AVE"}],"city":"LOS ANGELES","names":["BUCHANAN, ADELINE (plain)","ADELINE, BUCHANAN (swapped)"],"zip":"90026"},"reader":2,"stories":{"here":0.98697,"moved":0.0016,"not_registered_in_time":0.0,"relative":0.00667,"stranger":0.00476}},"evidence_of":2,"counted_place":null,"confirmed_by":[],"ruleset":"california-local-recall/1","roll_version":1,"decided_by":"machine","decided_at":"2022-07-07T08:00:25+00:00","note":""}}	2022-07-07 08:00:24+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	clerk-1	a-withdrawal	\\x395ae1a02ae4da084af62d7f77e505284b5b391c9c1047b90d8912e9060198da	201 {"withdrawal_id":"0181d7ac-c8d0-7ad9-afd7-05eac3106bd1","voter_id":"V2","received_on":"2022-07-05","recorded_by":"clerk-1","recorded_at":"2022-07-07T08:00:34Z","note":"","revocation":null,"lines":[{"place":"1-1-3","status":"invalid","reason":"withdrawn","settled":true,"version":9}]}	2022-07-07 08:00:33+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	station-1	a-batch	\\x4dd26cd0c05a464d3fef8ed2f290683f8a7908dbab9066fee7ee1d994c0fa32a	[["1-1-2","invalid","duplicate",true,3,true],["1-1-3","valid",null,true,3,true],["1-1-4","invalid","not_registered",false,3,true],["1-1-5","valid",null,true,3,true],["1-2-1","valid",null,true,3,true],["1-2-2","invalid","not_registered",false,3,true]]	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	station-1	one-line	\\x4f661ab38dad3e5de7b16c891eaf66d5bfb095bfc4a0e6e54a5c348c307b27c7	[["1-1-1","valid",null,true,2,true]]	2022-07-07 08:00:14+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	supervisor-1	a-revocation	\\x15f290f4e4636f64378440af3d9f3506609120232a855719a4ddce91860d7231	201 {"withdrawal_id":"0181d7ac-d488-7960-b0b2-ddc297a19e2f","voter_id":"V4","received_on":"2022-07-05","recorded_by":"clerk-1","recorded_at":"2022-07-07T08:00:37Z","note":"","revocation":{"revoked_by":"supervisor-1","revoked_at":"2022-07-07T08:00:40Z","note":"the form names another petition"},"lines":[{"place":"1-2-1","status":"valid","reason":null,"settled":true,"version":11}]}	2022-07-07 08:00:39+00
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	station-1	before-the-close	\\xa3a7c59e1b167eab572a15fe7154eb04def6d83d4ba8a4746ee60e8504a51b46	[["1-1-1","valid",null,true,2,true]]	2022-07-07 08:01:04+00
\.
COPY ledger (county_id, petition_id, seq, type, leaf_root, leaves, payload, hash) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	open	\\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855	\\x	{"at":"2022-07-07T08:00:11+00:00","circulation_from":"2022-01-27","circulation_to":"2022-07-06","county_id":"sample","filed_on":"2022-07-06","leaves":0,"petition_id":"0181d7ac-6ef8-7e90-ba6a-49766ecf5033","registered_voters":null,"required":5,"ruleset":"california-local-recall/1","tally":{"by_reason":{},"invalid":0,"raw":0,"received":0,"review":0,"unsettled":0,"valid":0}}	\\x22479fe91df98f5f3c9792f274ff8cc1d431ea4e230a0df456539f1a5f6b9de0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	intake	\\xdb4ac67b6d35151c1253ba72221e9089583c2fe9f4e5e5a8bffe76530f31ccc4	\\xdb4ac67b6d35151c1253ba72221e9089583c2fe9f4e5e5a8bffe76530f31ccc4	{"at":"2022-07-07T08:00:14+00:00","leaves":1,"tally":{"by_reason":{},"invalid":0,"raw":1,"received":0,"review":0,"unsettled":0,"valid":1}}	\\x43d9feca6f26c4c937d994fbd00ce91c712b63e1a4f100548bd375462a9be26a
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	3	intake	\\x88b5ccd5ab013f20fc7534d076c2be5e9e14b96678c8e013cb7f2c85babe9450	\\x701663c392f6a0db806f43f42ff8fa53a0dbf8a9a4e7ef476e6b43b9847e4a38f04b253f2abe557a330921cc003033d95f22a015052990463ebc169dfca368cd47cd562d32ff355bb8fdb1416b79c1404e401e30185210b86daa8300823419de476a072375b148e6a11659ff202a45d3fd4843898ffb0fb211bf60586c586f12926c74b8a9d12b9ba05beb26ab2b59ff21aa1b778c895edcd1f2812e845114d03b4c0c226794374cd59c5b02c6496d5e4612194ba79ed2d4abcd692f27c12750	{"at":"2022-07-07T08:00:16+00:00","leaves":6,"tally":{"by_reason":{"duplicate":1,"not_registered":2},"invalid":3,"raw":7,"received":0,"review":0,"unsettled":2,"valid":4}}	\\xaa65f145b4cef75019fc408ec9a2277c92468845906bf4a9a389b1315d03b34c
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	4	intake	\\x6e74ed50819092aace03e3662c57ca0f90ca9404a145f96e5fb2fcbf89126fb4	\\x5efcaa922c57bc1d4e33ac078537d70f821fac5f19432218956942ebaa3d88cf5f3d235652785285d5d98b7c0ce70186ea5b460ef674c455283daa9b0e48491989d2f5a877811c35fbb9d22cb1fc3f759f5f03fb8a9a390fb88478fe0166d59b0dac58c640b38bfc024ee36990e366cb36762875862ae8e7f3f38182bec60772	{"at":"2022-07-07T08:00:18+00:00","leaves":4,"tally":{"by_reason":{"duplicate":1,"not_registered":2},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":4,"valid":6}}	\\x4e67723b966ddb87db17d3a25db52e7d6d6b64b4244da21161d43a8cfe997e53
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	5	finding	\\xf9a683770038580e348a59c8c6b1518ffafa88a89d5f038ea3a3adcd720ba249	\\xf9a683770038580e348a59c8c6b1518ffafa88a89d5f038ea3a3adcd720ba249	{"at":"2022-07-07T08:00:21+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":2},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":3,"valid":6}}	\\x28d2bc42d95440c3a810e83f16f1270a679874594ef595df6c81134097184552
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	6	revision	\\xdcd0e91f387474ad45b6b264754d0ef4d7604da7e76dde799df1443ab231311f	\\xdcd0e91f387474ad45b6b264754d0ef4d7604da7e76dde799df1443ab231311f	{"at":"2022-07-07T08:00:25+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":1},"invalid":2,"raw":11,"received":0,"review":2,"unsettled":2,"valid":7}}	\\x17e50e29a6758b9f90acf4bf6c01f340ced502b042f3f873d729750bbe5517f0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	7	section	\\xb87838579fde11710e46c1f84e1cce7bbdcbc1c643a2e513145fb55add8c9d24	\\x1a162adf06d1f0c971ab5bf4bbefaf99828159dd4cbad42ec99298267a0f3e8aef5b203f119412098cc2586adb2ef77dde858cc655cf1be79d84eca964fbb78f	{"at":"2022-07-07T08:00:28+00:00","leaves":2,"section":2,"signed_from":null,"signed_to":"2022-03-01","tally":{"by_reason":{"duplicate":1,"not_registered":1},"invalid":2,"raw":11,"received":0,"review":3,"unsettled":3,"valid":6}}	\\x3f1be7a3c6bdace7ed3cbaa644749ce4f90d86dbd8e9e577f1a04434693b539b
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	8	section	\\x5cb1dc7fb09aed5aace682e680df75f102d7982451cdcf61b793aa4056663b67	\\x12ef4389ae6d82ff85ddd927d4ff63fc6563fbc19219ab1ecaf3e59d36465d3ed9674b26b8f6d2b9a9832057707296fafaa9b17b07007a147461e01d2aff9dba	{"at":"2022-07-07T08:00:31+00:00","leaves":2,"section":2,"signed_from":"2022-02-01","signed_to":"2022-03-01","tally":{"by_reason":{"duplicate":1,"not_registered":1},"invalid":2,"raw":11,"received":0,"review":2,"unsettled":2,"valid":7}}	\\xd2f4e65f1554f984c11a0dc567ce8a9697d18d0439466b14acd608dd64a2d573
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	9	withdrawal	\\xb9571532e6f6ea3219afe932380b9f190b37046bdd6920e9e26246797365be56	\\xb9571532e6f6ea3219afe932380b9f190b37046bdd6920e9e26246797365be56	{"at":"2022-07-07T08:00:34+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":2,"valid":6},"withdrawal":"237a0e8e4554ba3ec1a164a9f28cc2cb626685102e63fdc7cedea0a4aa53f427"}	\\x3ba353508f715b2c0e4b78c3a1028930f61b2a3de8d66541a4f4a4953d7aada0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	10	withdrawal	\\x59fc8d5b4d6a28706509ed94c6d85f9a5f7f5b8bdaed94081fcfe342c49cd365	\\x59fc8d5b4d6a28706509ed94c6d85f9a5f7f5b8bdaed94081fcfe342c49cd365	{"at":"2022-07-07T08:00:37+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":2},"invalid":4,"raw":11,"received":0,"review":2,"unsettled":2,"valid":5},"withdrawal":"df99384984db659706c916f469c3effc8cf86294adad7dacfb89527707c097b6"}	\\xe99e0dd2481564bb82dcd30262126c1e248f2ea08a4631ebd3ed38bc3e878292
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	11	withdrawal	\\xfaa8b53f076cb8d2131a940cad119a5d4ec5e63b8ef041002c9ed32d4792915a	\\xfaa8b53f076cb8d2131a940cad119a5d4ec5e63b8ef041002c9ed32d4792915a	{"at":"2022-07-07T08:00:40+00:00","leaves":1,"revocation":"f38a97d7dc20e57545e8927bfaaf06784960c251e237b86ec9b25f71184badc1","tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":2,"valid":6}}	\\xf7c934a4897df9e9d6f3afbe3313962f194d336a4f307be78b4efb9dee1c08d1
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	12	finding	\\xe120921a8ebc9767b60364ffc9911a6473727497a2c7aedee47d492c5d9f75e3	\\xd14f5c3ccf08ca4dbd71e3b15d91667109148e9cd4e249adc13e6641412f1ea2464add032ff72eb4dce7b9096b64669958aa164cc0079f7abc6cf357d1422f2f	{"at":"2022-07-07T08:00:43+00:00","leaves":2,"tally":{"by_reason":{"illegible":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":2,"valid":6}}	\\xe6cd3ab3099961043eb7cd8570bc1cf18fd174250ad1e984f65e9011f5ac135e
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	13	finding	\\x2c7ec275f8475a0a34e0943a791fa2f8898364f9eee044a4cccb18e62af162ee	\\x2c7ec275f8475a0a34e0943a791fa2f8898364f9eee044a4cccb18e62af162ee	{"at":"2022-07-07T08:00:46+00:00","leaves":1,"tally":{"by_reason":{"not_registered":1,"withdrawn":1},"invalid":2,"raw":11,"received":0,"review":3,"unsettled":3,"valid":6}}	\\x14ef781338dd9a2da9436fd6ec4565613bdd45416e79814c2aff272759552794
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	14	finding	\\xe96de8f02cd3f2c05b97d42603b0df7e411280bab740f0cec4b91a6c250bf35d	\\x7bafa7696fd2984e047d20e1bd3dae7fedbd912ebaea393feb2648faa2352e90a7ed4112e244c28158c8ed0dfe4d7862d16266afe8aa45b68b5db004e30d3910	{"at":"2022-07-07T08:00:49+00:00","leaves":2,"tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":2,"valid":6}}	\\x835ccb66ae33f4e80a29ee5adb34ee75a65d2b7a0d2908da3b9e8db6a33fc16d
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	15	finding	\\x9a9d83e6fe3a6799a77f75a480ba53fda9b8c0e5d9dac7ef2e6f28a347baa453	\\x9a9d83e6fe3a6799a77f75a480ba53fda9b8c0e5d9dac7ef2e6f28a347baa453	{"at":"2022-07-07T08:00:52+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":2,"unsettled":3,"valid":6}}	\\xd9f4e69d42b93fd1b2d78adf8d23de6264a209f86e2b59e48b85ea76b6611efd
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	16	reexamination	\\x8964eab34ff3fad520f06f3c3a08107191b0e56109457f8b996a3a56d07da7cf	\\x8964eab34ff3fad520f06f3c3a08107191b0e56109457f8b996a3a56d07da7cf	{"at":"2022-07-07T08:00:55+00:00","leaves":1,"tally":{"by_reason":{"duplicate":1,"not_registered":1,"withdrawn":1},"invalid":3,"raw":11,"received":0,"review":1,"unsettled":2,"valid":7}}	\\xbc0395cd96a443ad3feb20d3d78aa8bae18cae7fbb720b639abc46bee65f8740
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	1	open	\\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855	\\x	{"at":"2022-07-07T08:01:02+00:00","circulation_from":"2022-01-27","circulation_to":"2022-07-06","county_id":"sample","filed_on":"2022-07-06","leaves":0,"petition_id":"0181d7ad-3630-720e-acf4-f0d35e7615d9","registered_voters":null,"required":100,"ruleset":"california-local-recall/1","tally":{"by_reason":{},"invalid":0,"raw":0,"received":0,"review":0,"unsettled":0,"valid":0}}	\\xbeaaf3b0920c4b3b2bfc9e2b6a21c6bd4a741a68edfa253a3b04a9c96a0d6d1b
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	2	intake	\\xa13e1f0a1c0e1534622142b156b484e4798ba3911744c6e38a0bbc77dcb536e3	\\xa13e1f0a1c0e1534622142b156b484e4798ba3911744c6e38a0bbc77dcb536e3	{"at":"2022-07-07T08:01:04+00:00","leaves":1,"tally":{"by_reason":{},"invalid":0,"raw":1,"received":0,"review":0,"unsettled":0,"valid":1}}	\\x16bcaf758a1f70aefafabf3914fa99a4135aad8c34a7bed7f44807551e8028e9
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	3	close	\\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855	\\x	{"at":"2022-07-07T08:01:06+00:00","closed_by":"supervisor-1","leaves":0,"tally":{"by_reason":{},"invalid":0,"raw":1,"received":0,"review":0,"unsettled":0,"valid":1}}	\\xe82e4b7ed17aba4e1fa73acdd1314d7cf8d7aa1d0462e967bdfdca43040f14cf
\.
COPY line (county_id, petition_id, section, page, line, status, reason, voter_id, settled, finding_no, version, roll_version, people_needed, confirmed_by, mismatch_by, station, aliases_version) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	valid	\N	V1	t	4	14	1	0	{clerk-1}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	2	invalid	duplicate	V1	t	3	14	1	0	{}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	3	invalid	withdrawn	V2	t	2	9	1	0	{}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	4	invalid	not_registered	\N	t	2	5	1	1	{clerk-1}	{}	station-1	1
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	5	valid	\N	V3	f	2	15	1	0	{}	{clerk-1}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	1	valid	\N	V4	t	3	11	1	0	{}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	2	valid	\N	V8	t	2	6	1	0	{}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	valid	\N	V5	t	4	16	1	0	{}	{}	station-1	1
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	2	valid	\N	V6	t	3	8	1	0	{}	{}	station-1	0
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	3	1	1	review	possible_move	V10	f	1	4	1	0	{}	{}	station-1	1
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	9	1	19	valid	\N	V7	t	1	4	1	0	{}	{}	station-1	0
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	1	1	1	valid	\N	V9	t	1	2	1	0	{}	{}	station-1	1
\.
COPY lookup_audit (county_id, lookup_id, principal, role, kind, roll_version, candidates, confidential, looked_up_at) FROM stdin;
sample	0181d7ad-22a8-7f8e-b415-89b0d060046e	clerk-1	clerk	name_and_address	1	2	f	2022-07-07 08:00:57+00
\.
COPY lookup_budget (county_id, principal, day, used) FROM stdin;
sample	clerk-1	2022-07-07	1
\.
COPY petition (county_id, petition_id, title, officer, required, registered_voters, circulation_from, circulation_to, filed_on, ruleset, created_by, created_at, sections_version) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	Recall of the assessor	The assessor	5	\N	2022-01-27	2022-07-06	2022-07-06	california-local-recall/1	clerk-1	2022-07-07 08:00:11+00	2
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	Recall of the sheriff	The sheriff	100	\N	2022-01-27	2022-07-06	2022-07-06	california-local-recall/1	clerk-1	2022-07-07 08:01:02+00	0
\.
COPY quality_check (county_id, petition_id, section, page, line, finding_no, decided_status, decided_reason, decided_voter_id, status, reason, voter_id, note, checked_by, checked_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	9	1	19	1	valid	\N	V7	valid	\N	V7		clerk-1	2022-07-07 08:01:00+00
\.
COPY registration (county_id, roll_version, registration_no, voter_id, last_name, first_name, middle_name, suffix, birth_date, house_number, house_fraction, pre_direction, street_name, street_type, post_direction, unit_type, unit_number, city, zip, status, status_reason, affidavit_signed, affidavit_received, effective_to, confidential, key_house_street, key_house_surname, key_house_surname2, key_given_surname, key_given_surname2, key_surname_street, key_surname2_street, key_house_given, key_given_street, house_mark) FROM stdin;
sample	1	1	V1	ABERNATHY	BERNARD			1970-01-01	107			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5103736492266530876	5171471261105195049	\N	2393837929612727965	\N	76804163536750633	\N	7420911150448074666	2317174658199281578	107
sample	1	2	V2	ABERNATHY	CORDELIA			1970-01-01	114			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5053041861025769532	153103218579510203	\N	2085096097903698198	\N	4917909198076285883	\N	2229371195486199722	6399706907814223786	114
sample	1	3	V3	ABERNATHY	DESMOND			1970-01-01	121			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	128507538565933116	8740045946242905972	\N	752437258246222378	\N	8683623530342299508	\N	8303459895934541738	8283065453459365802	121
sample	1	4	V4	ABERNATHY	ESTELLE			1970-01-01	128			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7251368203070122044	6214638772134198607	\N	1755224646689304746	\N	3647033887494618447	\N	5648950502017294250	3082452790740606890	128
sample	1	5	V5	ABERNATHY	FREDERICK			1970-01-01	135			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	273258907739007036	1860456150339213689	\N	6283224230844363516	\N	1881207794541582713	\N	5684620419088342954	5560005590144606122	135
sample	1	6	V6	ABERNATHY	GENEVIEVE			1970-01-01	142			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	1447793763089819708	1515254821573974842	\N	8943060991721536753	\N	76804163537558330	\N	7573760094121320362	9010856694889144234	142
sample	1	7	V7	ABERNATHY	HAROLD			1970-01-01	149			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5428002146116085820	1111209801943056040	\N	6233966432400996330	\N	4917909198076870312	\N	6478621705043533738	1350115809720098730	149
sample	1	8	V8	BUCHANAN	ADELINE			1970-01-01	156			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8253911322384271289	6434198078151779898	\N	7352665266250684404	\N	3152824931834455610	\N	4558547813000109994	5605010698926120874	156
sample	1	9	V9	BUCHANAN	BERNARD			1970-01-01	163			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	2720977323297474489	4908219421519054889	\N	8249441044045384550	\N	7052538037167786025	\N	3919989176329658282	1415329946942922666	163
sample	1	10	V10	BUCHANAN	CORDELIA			1970-01-01	170			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	851698183455770553	4794585912293364667	\N	5741183387388368351	\N	5285005499939853243	\N	947178292122836906	501266660288716714	170
sample	1	11	V11	BUCHANAN	DESMOND			1970-01-01	177			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	1069916925368862649	6668352451195090804	\N	6427280667468818163	\N	5932266550128457588	\N	412350462405205930	820197508996226986	177
sample	1	12	V12	BUCHANAN	ESTELLE			1970-01-01	184			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7146207438671841209	8381473321661611343	\N	5411276720644498803	\N	1692390673737432399	\N	4559980477419708330	6657485560754560938	184
sample	1	13	V13	BUCHANAN	FREDERICK			1970-01-01	191			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	3393104860370569145	348940419984841081	\N	320044882643707845	\N	3152824931834190201	\N	46909935917817770	3436267072249749418	191
sample	1	14	V14	BUCHANAN	GENEVIEVE			1970-01-01	198			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7053707752233371577	17003047781489466	\N	3413546630337851834	\N	7052538037168593722	\N	3414628732400394154	5656801960625528746	198
sample	1	15	V15	BUCHANAN	HAROLD			1970-01-01	205			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	3766589225229223865	9015503255970479784	\N	414339365301808307	\N	5285005499940437672	\N	8709265709650239402	5519192084011114410	205
sample	1	16	V16	CASTELLANOS	ADELINE			1970-01-01	212			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8273889239605580366	460506813321504314	\N	4678254890673973398	\N	8410136871148774970	\N	5082466697914441642	3772414386323414954	212
sample	1	17	V17	CASTELLANOS	BERNARD			1970-01-01	219			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	1504937190266638926	2700860345176623145	\N	6097465975802420232	\N	3574167374101809193	\N	8207228487493312426	7279913448418402218	219
sample	1	18	V18	CASTELLANOS	CORDELIA			1970-01-01	226			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	2058533067832562254	1275960612812657595	\N	7586786142050707073	\N	947022017584337851	\N	8718039406693408682	7236671406007738282	226
sample	1	19	V19	CASTELLANOS	DESMOND			1970-01-01	233			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5480742329438310990	807637423007119220	\N	9211870754861774741	\N	5132643326221530996	\N	8422415543380828074	4102194648215281578	233
sample	1	20	V20	CASTELLANOS	ESTELLE			1970-01-01	240			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	421499677805777486	7666253749199682895	\N	7925734538498323989	\N	8051722085217451343	\N	547711516027215786	162317609930416042	240
sample	1	21	V21	CASTELLANOS	FREDERICK			1970-01-01	247			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	232962015935468110	8614659674790746489	\N	2491736563315800167	\N	8410136871148509561	\N	6131939407806160810	6206703415573176234	247
sample	1	22	V22	CASTELLANOS	GENEVIEVE			1970-01-01	254			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8525384778740798030	5172874568506628922	\N	700926021710807644	\N	3574167374102616890	\N	5653018653165182890	4045304261393866666	254
sample	1	23	V23	CASTELLANOS	HAROLD			1970-01-01	261			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	933149627283018318	132655140261822120	\N	2532550653560487253	\N	947022017584922280	\N	2518115013743435690	3314951584767631274	261
sample	1	24	V24	DELACROIX	ADELINE			1970-01-01	268			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	9194876003998078461	5312171482615178810	\N	3599523112984947521	\N	3900782289288488506	\N	8668458286169808810	564726627131547562	268
sample	1	25	V25	DELACROIX	BERNARD			1970-01-01	275			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7007991889927443965	9215638997854914601	\N	2703883560148229811	\N	2208423710578247721	\N	6512936314285940650	4261525015565000618	275
sample	1	26	V26	DELACROIX	CORDELIA			1970-01-01	282			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5539971308010444285	5282638095579517883	\N	1752250959911020844	\N	409367792193016763	\N	5845265141299503018	2161555336776998826	282
sample	1	27	V27	DELACROIX	DESMOND			1970-01-01	289			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	6221885301139281405	1646627270432307060	\N	1067265835757992512	\N	4648116619773917044	\N	1735660847450120106	5642691402269810602	289
sample	1	28	V28	DELACROIX	ESTELLE			1970-01-01	296			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8620845011436672509	837538033085300047	\N	2082156887904106688	\N	8952290449516510543	\N	1691883203293437866	6978787304095702954	296
sample	1	29	V29	DELACROIX	FREDERICK			1970-01-01	303			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7265590266532304381	5978197592651651449	\N	6020466119638645522	\N	3900782289288223097	\N	106447022848040874	7326972703388295082	303
sample	1	30	V30	DELACROIX	GENEVIEVE			1970-01-01	310			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7010710964186224125	9218562582906755898	\N	8692690252872156423	\N	2208423710579055418	\N	525877071682035626	7351921965573169066	310
sample	1	31	V31	DELACROIX	HAROLD			1970-01-01	317			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	1047294084460418557	803577786664976040	\N	5926172358467616768	\N	409367792193601192	\N	6420760748929146794	6310567316716347306	317
sample	1	32	V32	ELLSWORTH	ADELINE			1970-01-01	324			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8646205151935431005	560712810207438394	\N	90088284756798878	\N	8085492479206155834	\N	470630034352201642	8175579526440509354	324
sample	1	33	V33	ELLSWORTH	BERNARD			1970-01-01	331			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	6047210058483466589	2262197739968333865	\N	1527285593409265936	\N	5514923112104265769	\N	745049953045405610	6465747938158141354	331
sample	1	34	V34	ELLSWORTH	CORDELIA			1970-01-01	338			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	2428539290741080413	2820844014138725307	\N	2946800103140699017	\N	474638490621350843	\N	1135054147763134378	3347126863380176810	338
sample	1	35	V35	ELLSWORTH	DESMOND			1970-01-01	345			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5315912721009705309	7481624946574538612	\N	4502383005143645341	\N	3319707403830081396	\N	6462594284566699946	1182851544766308266	345
sample	1	36	V36	ELLSWORTH	ESTELLE			1970-01-01	352			JUNIPER	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	8490971163532689757	4670159685881281871	\N	3193425188263557917	\N	3826441429266054479	\N	7826955125266669482	1822571910014263210	352
sample	1	37	V37	ELLSWORTH	FREDERICK			1970-01-01	359			CEDAR	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	7994834165256388957	2217507981625973113	\N	7149715010502638959	\N	8085492479205890425	\N	9078913979344052138	1372915613200113578	359
sample	1	38	V38	ELLSWORTH	GENEVIEVE			1970-01-01	366			WILLOW	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	5725893901556089181	287816356123728698	\N	5194548508705015652	\N	5514923112105073466	\N	5469684607351873450	332790288746635178	366
sample	1	39	V39	ELLSWORTH	HAROLD			1970-01-01	373			SYCAMORE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	4652071544314626397	5051133717937880744	\N	7100456696151491165	\N	474638490621935272	\N	2634844257780850602	7214663865468018602	373
sample	1	40	V40	FITZGERALD	ADELINE			1970-01-01	380			MAPLE	AVE				LOS ANGELES	90026	active		2010-01-01	2010-01-02	\N	f	2156215070903738163	4845295501903193658	\N	8178658017607222989	\N	6832410028796601914	\N	3656250769676525482	3409777537416519594	380
\.
COPY roll (county_id, roll_version, state, format, complete_through, keys_version, progress_phase, progress_rows, registrations, source_sha256, failure, created_at, loaded_at, activated_at, dropped_at) FROM stdin;
sample	1	active	canonical	2022-07-06	3	done	40	40	3336a4e63971e4ba63c3bc2b3c9058e1c871f8a1ae17d1da0682b648ae730f2a	\N	2026-11-26 04:29:32.28388+00	2026-11-26 04:29:32.282006+00	2026-11-26 04:29:32.516017+00	\N
\.
COPY roll_token (county_id, roll_version, kind, token, registrations) FROM stdin;
sample	1	city	LOS ANGELES	40
sample	1	given	ADELINE	5
sample	1	given	BERNARD	5
sample	1	given	CORDELIA	5
sample	1	given	DESMOND	5
sample	1	given	ESTELLE	5
sample	1	given	FREDERICK	5
sample	1	given	GENEVIEVE	5
sample	1	given	HAROLD	5
sample	1	street	CEDAR	8
sample	1	street	JUNIPER	8
sample	1	street	MAPLE	8
sample	1	street	SYCAMORE	8
sample	1	street	WILLOW	8
sample	1	surname	ABERNATHY	7
sample	1	surname	BUCHANAN	8
sample	1	surname	CASTELLANOS	8
sample	1	surname	DELACROIX	8
sample	1	surname	ELLSWORTH	8
sample	1	surname	FITZGERALD	1
sample	1	zip	90026	40
\.
COPY roll_variant (county_id, roll_version, kind, variant, token, registrations) FROM stdin;
sample	1	given	ADEINE	ADELINE	5
sample	1	given	ADELIE	ADELINE	5
sample	1	given	ADELIN	ADELINE	5
sample	1	given	ADELINE	ADELINE	5
sample	1	given	ADELNE	ADELINE	5
sample	1	given	ADLINE	ADELINE	5
sample	1	given	AELINE	ADELINE	5
sample	1	given	AROLD	HAROLD	5
sample	1	given	BENARD	BERNARD	5
sample	1	given	BERARD	BERNARD	5
sample	1	given	BERNAD	BERNARD	5
sample	1	given	BERNAR	BERNARD	5
sample	1	given	BERNARD	BERNARD	5
sample	1	given	BERNRD	BERNARD	5
sample	1	given	BRNARD	BERNARD	5
sample	1	given	CODELIA	CORDELIA	5
sample	1	given	CORDEIA	CORDELIA	5
sample	1	given	CORDELA	CORDELIA	5
sample	1	given	CORDELI	CORDELIA	5
sample	1	given	CORDELIA	CORDELIA	5
sample	1	given	CORDLIA	CORDELIA	5
sample	1	given	CORELIA	CORDELIA	5
sample	1	given	CRDELIA	CORDELIA	5
sample	1	given	DELINE	ADELINE	5
sample	1	given	DEMOND	DESMOND	5
sample	1	given	DESMND	DESMOND	5
sample	1	given	DESMOD	DESMOND	5
sample	1	given	DESMON	DESMOND	5
sample	1	given	DESMOND	DESMOND	5
sample	1	given	DESOND	DESMOND	5
sample	1	given	DSMOND	DESMOND	5
sample	1	given	ENEVIEVE	GENEVIEVE	5
sample	1	given	ERNARD	BERNARD	5
sample	1	given	ESELLE	ESTELLE	5
sample	1	given	ESMOND	DESMOND	5
sample	1	given	ESTELE	ESTELLE	5
sample	1	given	ESTELL	ESTELLE	5
sample	1	given	ESTELLE	ESTELLE	5
sample	1	given	ESTLLE	ESTELLE	5
sample	1	given	ETELLE	ESTELLE	5
sample	1	given	FEDERICK	FREDERICK	5
sample	1	given	FRDERICK	FREDERICK	5
sample	1	given	FREDEICK	FREDERICK	5
sample	1	given	FREDERCK	FREDERICK	5
sample	1	given	FREDERIC	FREDERICK	5
sample	1	given	FREDERICK	FREDERICK	5
sample	1	given	FREDERIK	FREDERICK	5
sample	1	given	FREDRICK	FREDERICK	5
sample	1	given	FREERICK	FREDERICK	5
sample	1	given	GEEVIEVE	GENEVIEVE	5
sample	1	given	GENEIEVE	GENEVIEVE	5
sample	1	given	GENEVEVE	GENEVIEVE	5
sample	1	given	GENEVIEE	GENEVIEVE	5
sample	1	given	GENEVIEV	GENEVIEVE	5
sample	1	given	GENEVIEVE	GENEVIEVE	5
sample	1	given	GENEVIVE	GENEVIEVE	5
sample	1	given	GENVIEVE	GENEVIEVE	5
sample	1	given	GNEVIEVE	GENEVIEVE	5
sample	1	given	HAOLD	HAROLD	5
sample	1	given	HARLD	HAROLD	5
sample	1	given	HAROD	HAROLD	5
sample	1	given	HAROL	HAROLD	5
sample	1	given	HAROLD	HAROLD	5
sample	1	given	HROLD	HAROLD	5
sample	1	given	ORDELIA	CORDELIA	5
sample	1	given	REDERICK	FREDERICK	5
sample	1	given	STELLE	ESTELLE	5
sample	1	street	APLE	MAPLE	8
sample	1	street	CDAR	CEDAR	8
sample	1	street	CEAR	CEDAR	8
sample	1	street	CEDA	CEDAR	8
sample	1	street	CEDAR	CEDAR	8
sample	1	street	CEDR	CEDAR	8
sample	1	street	EDAR	CEDAR	8
sample	1	street	ILLOW	WILLOW	8
sample	1	street	JNIPER	JUNIPER	8
sample	1	street	JUIPER	JUNIPER	8
sample	1	street	JUNIER	JUNIPER	8
sample	1	street	JUNIPE	JUNIPER	8
sample	1	street	JUNIPER	JUNIPER	8
sample	1	street	JUNIPR	JUNIPER	8
sample	1	street	JUNPER	JUNIPER	8
sample	1	street	MALE	MAPLE	8
sample	1	street	MAPE	MAPLE	8
sample	1	street	MAPL	MAPLE	8
sample	1	street	MAPLE	MAPLE	8
sample	1	street	MPLE	MAPLE	8
sample	1	street	SCAMORE	SYCAMORE	8
sample	1	street	SYAMORE	SYCAMORE	8
sample	1	street	SYCAMOE	SYCAMORE	8
sample	1	street	SYCAMOR	SYCAMORE	8
sample	1	street	SYCAMORE	SYCAMORE	8
sample	1	street	SYCAMRE	SYCAMORE	8
sample	1	street	SYCAORE	SYCAMORE	8
sample	1	street	SYCMORE	SYCAMORE	8
sample	1	street	UNIPER	JUNIPER	8
sample	1	street	WILLO	WILLOW	8
sample	1	street	WILLOW	WILLOW	8
sample	1	street	WILLW	WILLOW	8
sample	1	street	WILOW	WILLOW	8
sample	1	street	WLLOW	WILLOW	8
sample	1	street	YCAMORE	SYCAMORE	8
sample	1	surname	ABENATHY	ABERNATHY	7
sample	1	surname	ABERATHY	ABERNATHY	7
sample	1	surname	ABERNAHY	ABERNATHY	7
sample	1	surname	ABERNATH	ABERNATHY	7
sample	1	surname	ABERNATHY	ABERNATHY	7
sample	1	surname	ABERNATY	ABERNATHY	7
sample	1	surname	ABERNTHY	ABERNATHY	7
sample	1	surname	ABRNATHY	ABERNATHY	7
sample	1	surname	AERNATHY	ABERNATHY	7
sample	1	surname	ASTELLANOS	CASTELLANOS	8
sample	1	surname	BCHANAN	BUCHANAN	8
sample	1	surname	BERNATHY	ABERNATHY	7
sample	1	surname	BUCANAN	BUCHANAN	8
sample	1	surname	BUCHAAN	BUCHANAN	8
sample	1	surname	BUCHANA	BUCHANAN	8
sample	1	surname	BUCHANAN	BUCHANAN	8
sample	1	surname	BUCHANN	BUCHANAN	8
sample	1	surname	BUCHNAN	BUCHANAN	8
sample	1	surname	BUHANAN	BUCHANAN	8
sample	1	surname	CASELLANOS	CASTELLANOS	8
sample	1	surname	CASTELANOS	CASTELLANOS	8
sample	1	surname	CASTELLANO	CASTELLANOS	8
sample	1	surname	CASTELLANOS	CASTELLANOS	8
sample	1	surname	CASTELLANS	CASTELLANOS	8
sample	1	surname	CASTELLAOS	CASTELLANOS	8
sample	1	surname	CASTELLNOS	CASTELLANOS	8
sample	1	surname	CASTLLANOS	CASTELLANOS	8
sample	1	surname	CATELLANOS	CASTELLANOS	8
sample	1	surname	CSTELLANOS	CASTELLANOS	8
sample	1	surname	DEACROIX	DELACROIX	8
sample	1	surname	DELACOIX	DELACROIX	8
sample	1	surname	DELACRIX	DELACROIX	8
sample	1	surname	DELACROI	DELACROIX	8
sample	1	surname	DELACROIX	DELACROIX	8
sample	1	surname	DELACROX	DELACROIX	8
sample	1	surname	DELAROIX	DELACROIX	8
sample	1	surname	DELCROIX	DELACROIX	8
sample	1	surname	DLACROIX	DELACROIX	8
sample	1	surname	ELACROIX	DELACROIX	8
sample	1	surname	ELLSORTH	ELLSWORTH	8
sample	1	surname	ELLSWORH	ELLSWORTH	8
sample	1	surname	ELLSWORT	ELLSWORTH	8
sample	1	surname	ELLSWORTH	ELLSWORTH	8
sample	1	surname	ELLSWOTH	ELLSWORTH	8
sample	1	surname	ELLSWRTH	ELLSWORTH	8
sample	1	surname	ELLWORTH	ELLSWORTH	8
sample	1	surname	ELSWORTH	ELLSWORTH	8
sample	1	surname	FITGERALD	FITZGERALD	1
sample	1	surname	FITZERALD	FITZGERALD	1
sample	1	surname	FITZGEALD	FITZGERALD	1
sample	1	surname	FITZGERAD	FITZGERALD	1
sample	1	surname	FITZGERAL	FITZGERALD	1
sample	1	surname	FITZGERALD	FITZGERALD	1
sample	1	surname	FITZGERLD	FITZGERALD	1
sample	1	surname	FITZGRALD	FITZGERALD	1
sample	1	surname	FIZGERALD	FITZGERALD	1
sample	1	surname	FTZGERALD	FITZGERALD	1
sample	1	surname	ITZGERALD	FITZGERALD	1
sample	1	surname	LLSWORTH	ELLSWORTH	8
sample	1	surname	UCHANAN	BUCHANAN	8
\.
COPY section (county_id, petition_id, section, declaration_no, signed_from, signed_to, declared_by, declared_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	\N	2022-03-01	clerk-1	2022-07-07 08:00:28+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	2	2022-02-01	2022-03-01	clerk-1	2022-07-07 08:00:31+00
\.
COPY signature (county_id, petition_id, section, page, line, printed_name, name_parts, residence_address, city, zip, signed, image_sha256, writing_sha256, station, received_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	1	BERNARD ABERNATHY	\N	107 JUNIPER AVE	LOS ANGELES	90026	t	\N	\\xed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8	station-1	2022-07-07 08:00:14+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	2	BERNARD ABERNATHY	\N	107 JUNIPER AVE	LOS ANGELES	90026	t	\N	\\xed4e22e0dd64f0120d207150a1099617174d321e1557bc0bc626db32da3f6ab8	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	3	CORDELIA ABERNATHY	\N	114 CEDAR AVE	LOS ANGELES	90026	t	\N	\\xa97025da94ee382de540c4d4edff254340ac967e6a379819f12c4c3e31c0e2ca	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	4	ADELINE QUACKENBUSH	\N	9876 MAPLE AVE	LOS ANGELES	90026	t	\N	\\xb5cdf1894ed1faf3f52184d3cc8167b0c4416d2e3373004a49d7072ea56f612b	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	1	5	DESMOND ABERNATHY	\N	121 WILLOW AVE	LOS ANGELES	90026	t	\N	\\xbd43930992781fc2cb4e4561973934eca24e3ab8976f5b046ec91d841c934a35	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	1	ESTELLE ABERNATHY	\N	128 SYCAMORE AVE	LOS ANGELES	90026	t	\N	\\x8fd86576f697bd9e7d2f98b6a866aaf322b406beb0f2ec6dac87f24dfbdb2ed5	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	2	ADELINE QUACKENBUSH	\N	9876 MAPLE AVE	LOS ANGELES	90026	t	\N	\\xb5cdf1894ed1faf3f52184d3cc8167b0c4416d2e3373004a49d7072ea56f612b	station-1	2022-07-07 08:00:16+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	1	FREDERICK ABERNATHY	\N	135 Old Maple Rd	LOS ANGELES	90026	t	\N	\\x37c194a571495a37b1a2b38d1199a967400dda1103757e3701bfd44c4597457b	station-1	2022-07-07 08:00:18+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	2	1	2	GENEVIEVE ABERNATHY	\N	142 JUNIPER AVE	LOS ANGELES	90026	t	\N	\\xd628f78d3d0825f4d8b21ac38ac88e9595a5453b4e355677d883ca7bd5e7a40c	station-1	2022-07-07 08:00:18+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	3	1	1	CORDELIA BUCHANAN	\N	12 CANYON RD	LOS ANGELES	90026	t	\N	\\xf4ef590e8c3364c3fa8af5486209f51ff4f73098f7a7c97d43ef489cfc667caf	station-1	2022-07-07 08:00:18+00
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	9	1	19	HAROLD ABERNATHY	\N	149 CEDAR AVE	LOS ANGELES	90026	t	\N	\\x0c10f6088244e1c9baf30e6c4bc22634504a46c9e8803bd1ba9cbced9fedda40	station-1	2022-07-07 08:00:18+00
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	1	1	1	BERNARD BUCHANAN	\N	163 SYCAMORE AVE	LOS ANGELES	90026	t	\N	\\xbceabe5e70980d4c7cd6adec8462d0ddb832a0022dde792fe494dfc4a39bee28	station-1	2022-07-07 08:01:04+00
\.
COPY signature_revision (county_id, petition_id, section, page, line, revision_no, printed_name, name_parts, residence_address, city, zip, signed, image_sha256, writing_sha256, note, revised_by, revised_at) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	1	2	2	1	ADELINE BUCHANAN	\N	156 WILLOW AVE	LOS ANGELES	90026	t	\N	\\x7684caa6184fdec57aa6a07fcef1de01003103389502d03478be61adc78ac855	read again on paper	clerk-1	2022-07-07 08:00:25+00
\.
COPY slot (county_id, petition_id, voter_id, withdrawn_on) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V1	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V2	2022-07-05
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V3	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V4	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V5	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V6	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V7	\N
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	V8	\N
sample	0181d7ad-3630-720e-acf4-f0d35e7615d9	V9	\N
\.
COPY withdrawal (county_id, petition_id, withdrawal_id, voter_id, received_on, recorded_by, recorded_at, note, salt, content) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	0181d7ac-c8d0-7ad9-afd7-05eac3106bd1	V2	2022-07-05	clerk-1	2022-07-07 08:00:34+00		\\x655557991058d54f613a99be65a2e4df	{"note":"","received_on":"2022-07-05","recorded_at":"2022-07-07T08:00:34+00:00","recorded_by":"clerk-1","voter_id":"V2","withdrawal_id":"0181d7ac-c8d0-7ad9-afd7-05eac3106bd1"}
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	0181d7ac-d488-7960-b0b2-ddc297a19e2f	V4	2022-07-05	clerk-1	2022-07-07 08:00:37+00		\\xf8f22b5260955d57faeb58eb841cc10e	{"note":"","received_on":"2022-07-05","recorded_at":"2022-07-07T08:00:37+00:00","recorded_by":"clerk-1","voter_id":"V4","withdrawal_id":"0181d7ac-d488-7960-b0b2-ddc297a19e2f"}
\.
COPY withdrawal_revocation (county_id, petition_id, withdrawal_id, revoked_by, revoked_at, note, salt, content) FROM stdin;
sample	0181d7ac-6ef8-7e90-ba6a-49766ecf5033	0181d7ac-d488-7960-b0b2-ddc297a19e2f	supervisor-1	2022-07-07 08:00:40+00	the form names another petition	\\x21e49dccbb6b2e5d380b1240fb370307	{"note":"the form names another petition","revoked_at":"2022-07-07T08:00:40+00:00","revoked_by":"supervisor-1","withdrawal_id":"0181d7ac-d488-7960-b0b2-ddc297a19e2f"}
\.
