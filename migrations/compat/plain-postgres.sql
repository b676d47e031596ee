-- What hosted Supabase has by itself, for a plain Postgres. Not a migration: run before them,
-- each time, and it changes nothing that is there.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin%s', role_name,
        case role_name when 'service_role' then ' bypassrls' else '' end);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator noinherit nologin;
    grant anon, authenticated, service_role to authenticator;
  end if;
  if not exists (select from pg_namespace where nspname = 'auth') then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  if not exists (select from pg_namespace where nspname = 'extensions') then
    create schema extensions;
    grant usage on schema extensions to anon, authenticated, service_role;
  end if;
  if to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb language sql stable
      set search_path = ''
      as $f$
        select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
      $f$;
  end if;
end
$$;
