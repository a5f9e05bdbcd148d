-- One upsert by e-mail in PL/pgSQL, on onelead's own tables: look, then write the lead, its keys
-- and its ledger row. Called by pgbench, one call per transaction.

CREATE SEQUENCE bench_lead;
SELECT setval('bench_lead', last_id) FROM lane;
CREATE SEQUENCE bench_ledger;
SELECT setval('bench_ledger', ledger_seq) FROM lane;
CREATE SEQUENCE bench_person START 1000000000;

CREATE FUNCTION bench_upsert(
  in_account bigint, in_person bigint, in_new int, in_title int
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  person bigint := CASE WHEN in_new = 1 THEN nextval('bench_person') ELSE in_person END;
  address text := 'p' || person || '@field.example';
  own_name text := 'Plaro P' || person || 'field';
  own_title text := 'Buyer ' || in_title;
  stamp bigint := extract(epoch FROM now());
  answer text;
  found bigint;
  number int;
  outcome text;
BEGIN
  -- Two deliveries of the same person wait for each other; different people do not.
  PERFORM pg_advisory_xact_lock(hashtextextended(address, in_account));
  SELECT lead_id INTO found FROM match_key
  WHERE account_id = in_account AND field = 'email' AND value = address
  ORDER BY lead_id LIMIT 1;
  IF found IS NULL THEN
    found := nextval('bench_lead');
    number := 1;
    outcome := 'created';
    answer := json_build_object(
      'id', found, 'version', 1, 'name', own_name, 'status_id', 1, 'date_created', stamp,
      'date_modified', stamp, 'first_name', 'Plaro', 'last_name', 'P' || person || 'field',
      'company_name', 'Field Supplies', 'title', own_title,
      'email', json_build_object('email', address, 'category', 'work'),
      'phone_numbers', json_build_array(
        json_build_object('number', '512-' || person, 'category', 'mobile')),
      'tags', json_build_array('tag' || person % 50))::text;
    INSERT INTO lead (
      account_id, id, version, document, name_key, first_name_key, last_name_key, middle_name_key,
      company_name_key, title_key, email_key, phone_key, social_key, city_key, state_key,
      postal_code_key, country_key, status_id, interaction_count, date_created, date_modified)
    VALUES (
      in_account, found, 1, answer, lower(own_name), 'plaro', 'p' || person || 'field', '',
      'field supplies', lower(own_title), address, '512' || person, '', '', '', '', '',
      1, 0, stamp, stamp);
    INSERT INTO match_key (account_id, field, value, lead_id, label) VALUES
      (in_account, 'name', lower(own_name), found, NULL),
      (in_account, 'email', address, found, NULL),
      (in_account, 'phone', reverse('512' || person), found, NULL),
      (in_account, 'tag', 'tag' || person % 50, found, 'tag' || person % 50);
  ELSE
    outcome := 'updated';
    UPDATE lead SET
      version = version + 1, date_modified = stamp, title_key = lower(own_title),
      document = (document::jsonb || jsonb_build_object(
        'title', own_title, 'version', version + 1, 'date_modified', stamp))::text
    WHERE account_id = in_account AND id = found
    RETURNING document, version INTO answer, number;
  END IF;
  INSERT INTO ledger (
    account_id, seq, date, request_id, resource, resource_id, action, outcome, version, payload,
    match, changes)
  VALUES (
    in_account, nextval('bench_ledger'), stamp, gen_random_uuid()::text, 'lead', found, 'upsert',
    outcome, number,
    '{"properties":{"name":"' || own_name || '","email":{"email":"' || address
      || '","category":"work"},"phone_numbers":[{"number":"512-' || person
      || '","category":"mobile"}],"company_name":"Field Supplies","title":"' || own_title
      || '","tags":["tag' || person % 50 || '"]},"match":{"field_name":"email","field_value":"'
      || address || '"}}',
    '{"field_name":"email","value":"' || address || '","matches":1,"ids":[' || found || ']}',
    '{"title":["Buyer","' || own_title || '"]}');
  RETURN answer;
END
$$;
