namespace MLflow.Server.Storage.Postgres;

/// <summary>Deletes traces whose day is over (<see cref="TraceBucket"/>). Their spans go with the partitions of the day, by <see cref="PostgresPartitions.DropAsync"/>.</summary>
internal static class PostgresExpiry
{
    private const string SelectSql = "SELECT trace_id FROM traces WHERE bucket < $1 ORDER BY bucket LIMIT $2";

    /// <param name="database">The traces.</param>
    /// <param name="max">Traces deleted at most, in one transaction: others that write to them wait for it.</param>
    /// <param name="cancellationToken">Stops it before the commit.</param>
    /// <returns>Those that were deleted; empty when there are no more.</returns>
    public static Task<List<TraceHome>> DeleteAsync(PostgresDatabase database, int max, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = session.TimeProvider.GetUtcNow();
            var ids = await session.QueryAsync(SelectSql, row => row.Text(0), DateOnly.FromDateTime(now.UtcDateTime), max).ConfigureAwait(false);

            // Something may have come for them meanwhile, which keeps them.
            var expired = (await PostgresTraceWriter.LockAsync(session, ids).ConfigureAwait(false)).FindAll(home => TraceBucket.IsOver(home.Bucket, now));
            if (expired.Count > 0)
            {
                await PostgresTraceDeletion.DeleteLightAsync(session, [.. expired.Select(home => home.TraceId)], [.. expired.Select(home => home.Bucket).Distinct()]).ConfigureAwait(false);
            }

            return expired;
        },
        isIdempotent: true,
        cancellationToken);
}
