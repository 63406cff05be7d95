-- What answers unless another system is asked for: which one, since when, and by which report.

-- The last row that was not taken back is in force; without any, `rag` is. Rows are never deleted. `report` is the
-- SHA-256 of the report's file. An adapter is named, not referenced: one that is trained again keeps its name, and what
-- was promoted stays on record when it is removed.
create table promotion (
    number integer primary key generated always as identity,
    system text not null,
    kind text not null,
    adapter text not null,
    report text not null,
    forced boolean not null,
    promoted_by text not null,
    promoted_at timestamptz not null default clock_timestamp(),
    back_by text,
    back_at timestamptz,
    check ((back_by is null) = (back_at is null))
);

alter table promotion enable row level security;
alter table promotion force row level security;
create policy owner_does on promotion using ((select is_owner())) with check ((select is_owner()));
