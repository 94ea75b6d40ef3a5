using System.Numerics;
using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Asks the text index for one search, all in the search's transaction: which indexed traces may match.</summary>
internal sealed class SqliteTextPlaces : IDisposable
{
    /// <summary>From so many traces on that may match, a search goes through all of them in its order and asks for each: it ends with its page then.</summary>
    private const int MaxListed = 1000;

    private const string SelectSegmentsSql = "SELECT segment_id, min_time_ms, max_time_ms FROM text_segments ORDER BY segment_id DESC";

    private const string SelectPageSql = "SELECT grams FROM text_pages WHERE page = ?1 AND segment_id = ?2";

    private const string CountWaitingSql = "SELECT COUNT(*) FROM (SELECT 1 FROM traces WHERE text_place < 0 LIMIT @limit)";

    private readonly SqliteConnection _connection;
    private readonly SearchClock _clock;
    private readonly SqliteStatement _page;
    private readonly Dictionary<(TextNeed Need, long SegmentId), ulong[]> _found = [];

    public SqliteTextPlaces(SqliteConnection connection, SearchClock clock)
    {
        _connection = connection;
        _clock = clock;
        _page = new SqliteStatement(connection, SelectPageSql);
    }

    /// <summary>Whether the trace at a place may have what is needed.</summary>
    public bool May(TextNeed need, long place)
    {
        var key = (need, place >> TextSegment.PlaceBits);
        if (!_found.TryGetValue(key, out var found))
        {
            _found.Add(key, found = Find(need, key.Item2));
        }

        var bit = (int)(place & (TextSegment.Traces - 1));
        return (found[bit >> 6] >> bit & 1) != 0;
    }

    /// <summary>The condition that trace <c>t</c> is one of the few for which the filter may hold; null where they are many, or the index cannot tell.</summary>
    public string? Few(FilterTree<TraceCondition> filter, SqlConditions conditions)
    {
        if (TextNeed.Of(filter) is not { } need || _connection.ExecuteScalar<long>(CountWaitingSql, new { limit = MaxListed + 1 }) > MaxListed)
        {
            return null;
        }

        var window = TextWindow.Of(filter);
        var places = new List<long>();
        foreach (var (segmentId, minTimeMs, maxTimeMs) in _connection.Query<(long SegmentId, long MinTimeMs, long MaxTimeMs)>(SelectSegmentsSql))
        {
            _clock.ThrowIfOver();
            if (!window.Meets(minTimeMs, maxTimeMs))
            {
                continue;
            }

            var found = Find(need, segmentId);
            for (var word = 0; word < found.Length; word++)
            {
                for (var bits = found[word]; bits != 0; bits &= bits - 1)
                {
                    places.Add((segmentId << TextSegment.PlaceBits) + (word * 64) + BitOperations.TrailingZeroCount(bits));
                }
            }

            if (places.Count > MaxListed)
            {
                return null;
            }
        }

        return $"(t.text_place < 0 OR {conditions.In("t.text_place", places)})";
    }

    public void Dispose() => _page.Dispose();

    private ulong[] Find(TextNeed need, long segmentId) => need.Find(page =>
    {
        var found = _page.Bind(1, page).Bind(2, segmentId).Read();
        var grams = found ? _page.GetBlob(0).ToArray() : [];
        _page.Reset();
        return grams;
    });
}
