namespace MLflow.Server.Storage.Postgres;

/// <summary>Goes through rows that may match a search over texts, in its order, and gives those that do: experiments and runs.</summary>
internal static class PostgresTextCandidates
{
    private const int FirstChunk = 100;
    private const int MaxChunk = 1000;

    /// <param name="session">Where to read.</param>
    /// <param name="clock">When to give up.</param>
    /// <param name="token">Where the page begins.</param>
    /// <param name="wanted">How many rows are wanted.</param>
    /// <param name="statement">Makes the statement for a chunk.</param>
    /// <typeparam name="T">A condition.</typeparam>
    public static async Task<List<(object Id, object?[] Keys)>> FindAsync<T>(PostgresSession session, SearchClock clock, string? token, int wanted, Func<PostgresConditions, PostgresTextSearch<T>> statement)
    {
        var found = new List<(object Id, object?[] Keys)>();
        var passOver = -1L;
        for (var limit = Math.Clamp(wanted, FirstChunk, MaxChunk); ; limit = MaxChunk)
        {
            clock.ThrowIfOver();
            var parameters = new PostgresParameters();
            var conditions = new PostgresConditions(parameters, clock);
            var search = statement(conditions);
            var start = search.Keyset.Start(token, conditions);
            passOver = passOver < 0 ? start.Offset : passOver;
            var select = $"""
                SELECT {string.Join(", ", new[] { search.Id, search.Keyset.Select }.Concat(search.Filter.Columns))} FROM {search.From} WHERE {search.Where} AND {start.Condition}
                ORDER BY {search.Keyset.OrderBy} LIMIT {parameters.Add((long)limit)}
                """;
            var rows = await session.QueryAsync(select, row => Read(row, search, clock), [.. parameters.Values]).ConfigureAwait(false);
            foreach (var (id, keys, holds) in rows)
            {
                if (holds && passOver-- <= 0)
                {
                    passOver = 0;
                    found.Add((id, keys));
                    if (found.Count == wanted)
                    {
                        return found;
                    }
                }
            }

            if (rows.Count < limit)
            {
                return found;
            }

            token = search.Keyset.Token(rows[^1].Keys);
        }
    }

    private static (object Id, object?[] Keys, bool Holds) Read<T>(PostgresRow row, PostgresTextSearch<T> search, SearchClock clock)
    {
        clock.ThrowIfOver();
        var column = 1 + search.Keyset.Count;
        return (row.Value(0)!, [.. Enumerable.Range(1, search.Keyset.Count).Select(row.Value)], search.Filter.Holds(search.Filter.Read(row, ref column)));
    }
}
