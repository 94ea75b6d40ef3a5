using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;
using MLflow.Server.Storage.Postgres;
using Npgsql;

namespace MLflow.Cli.MlflowDatabases;

/// <summary>
/// Reads the database of MLflow's own server: SQLite or PostgreSQL, of any version that has traces (2.14 or later). Tables and columns that an older version lacks are
/// passed over. Nothing is written.
/// </summary>
internal sealed class MlflowDatabaseReader : IAsyncDisposable
{
    private const string SqlitePrefix = "sqlite:///";
    private const string DefaultWorkspace = "default";

    private readonly DbConnection _connection;
    private readonly Dictionary<string, HashSet<string>> _columns = [];

    private MlflowDatabaseReader(DbConnection connection, string shown) => (_connection, Shown) = (connection, shown);

    /// <summary>The database without credentials.</summary>
    public string Shown { get; }

    /// <exception cref="CommandException">The address is not understood, or it is no database of MLflow.</exception>
    public static async Task<MlflowDatabaseReader> OpenAsync(string uri, CancellationToken cancellationToken)
    {
        var (connection, shown) = Connect(uri);
        try
        {
            await connection.OpenAsync(cancellationToken);
            var reader = new MlflowDatabaseReader(connection, shown);
            foreach (var table in (string[])["alembic_version", "experiments", "experiment_tags", "trace_info", "trace_tags", "trace_request_metadata", "spans", "assessments", "entity_associations"])
            {
                reader._columns[table] = await reader.ColumnsAsync(table, cancellationToken);
            }

            return reader.Has("alembic_version") && reader.Has("experiments")
                ? reader
                : throw new CommandException($"{shown} is no database of MLflow's own server: it has no table {(reader.Has("experiments") ? "alembic_version" : "experiments")}");
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            throw e is DbException or TimeoutException ? new CommandException($"{shown} cannot be read: {e.Message}", e) : e;
        }
    }

    public async Task<IReadOnlyList<SourceExperiment>> ReadExperimentsAsync(CancellationToken cancellationToken)
    {
        var tags = (await QueryAsync("SELECT experiment_id, key, value FROM experiment_tags", row => (Id: row.GetInt64(0), Key: row.GetString(1), Value: Text(row, 2)), cancellationToken)).ToLookup(tag => tag.Id);
        var workspace = _columns["experiments"].Contains("workspace") ? "workspace" : $"'{DefaultWorkspace}'";
        return await QueryAsync(
            $"SELECT experiment_id, name, lifecycle_stage, {workspace} FROM experiments ORDER BY experiment_id",
            row => new SourceExperiment(
                row.GetInt64(0),
                Text(row, 3) is { } space and not DefaultWorkspace ? $"{space}/{row.GetString(1)}" : row.GetString(1),
                Text(row, 2) != "deleted",
                tags[row.GetInt64(0)].ToDictionary(tag => tag.Key, tag => tag.Value ?? "")),
            cancellationToken);
    }

    /// <summary>Some traces of an experiment behind one of them, in their order.</summary>
    public async Task<IReadOnlyList<SourceTrace>> ReadTracesAsync(long experimentId, long afterMs, string afterId, int limit, CancellationToken cancellationToken)
    {
        if (!Has("trace_info"))
        {
            return [];
        }

        string Column(string name) => _columns["trace_info"].Contains(name) ? name : $"NULL AS {name}";
        var rows = await QueryAsync(
            $"""
            SELECT request_id, timestamp_ms, execution_time_ms, status, {Column("client_request_id")}, {Column("request_preview")}, {Column("response_preview")}
            FROM trace_info WHERE experiment_id = @experiment AND (timestamp_ms > @ms OR (timestamp_ms = @ms AND request_id > @id)) ORDER BY timestamp_ms, request_id LIMIT {limit.ToString(CultureInfo.InvariantCulture)}
            """,
            row => new Row(row.GetString(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt64(2), Text(row, 3), Text(row, 4), Text(row, 5), Text(row, 6)),
            cancellationToken,
            ("@experiment", experimentId),
            ("@ms", afterMs),
            ("@id", afterId));
        var traces = new List<SourceTrace>(rows.Count);
        foreach (var row in rows)
        {
            traces.Add(await ReadTraceAsync(row, experimentId, cancellationToken));
        }

        return traces;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static (DbConnection Connection, string Shown) Connect(string uri)
    {
        // SQLAlchemy names its driver behind a plus.
        if (PostgresUri.IsOne(uri) || uri.StartsWith("postgresql+", StringComparison.Ordinal))
        {
            var plain = uri.StartsWith("postgresql+", StringComparison.Ordinal) ? "postgresql" + uri[uri.IndexOf(':', StringComparison.Ordinal)..] : uri;
            try
            {
                var settings = PostgresUri.Parse(plain);
                settings.TargetSessionAttributes = null;
                return (new NpgsqlConnection(settings.ConnectionString), PostgresUri.Shown(plain));
            }
            catch (FormatException e)
            {
                throw CommandException.WrongUse($"--mlflow-database '{PostgresUri.Shown(plain)}' is not understood, {e.Message}");
            }
        }

        if (!uri.StartsWith(SqlitePrefix, StringComparison.Ordinal) || uri.Length == SqlitePrefix.Length)
        {
            throw CommandException.WrongUse("--mlflow-database is not understood: use sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:password@host/database");
        }

        var path = Path.GetFullPath(uri[SqlitePrefix.Length..]);
        return File.Exists(path)
            ? (new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString()), path)
            : throw CommandException.WrongUse($"--mlflow-database {path} is not there");
    }

    private async Task<SourceTrace> ReadTraceAsync(Row row, long experimentId, CancellationToken cancellationToken)
    {
        var tags = await PairsAsync("trace_tags", row.Id, cancellationToken);
        var metadata = await PairsAsync("trace_request_metadata", row.Id, cancellationToken);
        var spans = Has("spans")
            ? await QueryAsync("SELECT content FROM spans WHERE trace_id = @id ORDER BY start_time_unix_nano, span_id", span => span.GetString(0), cancellationToken, ("@id", row.Id))
            : [];
        var (assessments, count) = await AssessmentsAsync(row.Id, cancellationToken);
        var runs = Has("entity_associations")
            ? await QueryAsync(
                "SELECT destination_id FROM entity_associations WHERE source_type = 'trace' AND destination_type = 'run' AND source_id = @id ORDER BY destination_id", run => run.GetString(0), cancellationToken, ("@id", row.Id))
            : [];
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject("info");
            WriteInfo(json, row, experimentId, tags, metadata);
            json.WritePropertyName("assessments");
            json.WriteRawValue(assessments);
            json.WriteEndObject();
            json.WriteStartObject("data");
            json.WriteStartArray("spans");
            foreach (var span in spans)
            {
                // Python writes NaN, which the reader of the line refuses with a word about it.
                json.WriteRawValue(span, skipInputValidation: true);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return new SourceTrace(row.Id, row.TimestampMs, text.ToArray(), spans.Count, count, runs, tags.GetValueOrDefault(TraceKeys.ArtifactLocation));
    }

    private static void WriteInfo(Utf8JsonWriter json, Row row, long experimentId, Dictionary<string, string> tags, Dictionary<string, string> metadata)
    {
        json.WriteString("trace_id", row.Id);
        json.WritePropertyName("trace_location");
        TraceDocument.WriteLocation(json, experimentId.ToString(CultureInfo.InvariantCulture));
        json.WriteString("request_time", DateTimeOffset.FromUnixTimeMilliseconds(row.TimestampMs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        if (row.DurationMs is { } ms)
        {
            json.WriteNumber("execution_duration_ms", ms);
        }

        json.WriteString("state", row.Status is "OK" or "ERROR" or "IN_PROGRESS" ? row.Status : "STATE_UNSPECIFIED");
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("client_request_id", row.ClientRequestId), ("request_preview", row.RequestPreview), ("response_preview", row.ResponsePreview)])
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }

        foreach (var (name, pairs) in (ReadOnlySpan<(string, Dictionary<string, string>)>)[("trace_metadata", metadata), ("tags", tags)])
        {
            json.WriteStartObject(name);
            foreach (var (key, value) in pairs)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    }

    private async Task<(string Json, int Count)> AssessmentsAsync(string traceId, CancellationToken cancellationToken)
    {
        if (!Has("assessments"))
        {
            return ("[]", 0);
        }

        using var text = new MemoryStream();
        var count = 0;
        using (var json = new Utf8JsonWriter(text, TraceDocument.WriterOptions))
        {
            json.WriteStartArray();
            var rows = await QueryAsync(
                """
                SELECT assessment_id, name, assessment_type, value, error, created_timestamp, last_updated_timestamp, source_type, source_id, span_id, rationale, overrides, valid, assessment_metadata
                FROM assessments WHERE trace_id = @id ORDER BY created_timestamp, assessment_id
                """,
                row => new SourceAssessment(
                    row.GetString(0), row.GetString(1), row.GetString(2), Text(row, 3), Text(row, 4), row.GetInt64(5), row.GetInt64(6), row.GetString(7), Text(row, 8), Text(row, 9), Text(row, 10), Text(row, 11), Convert.ToBoolean(row.GetValue(12), CultureInfo.InvariantCulture), Text(row, 13)),
                cancellationToken,
                ("@id", traceId));

            // An issue names one of MLflow's own, which stays there.
            foreach (var assessment in rows.Where(row => row.Type is "feedback" or "expectation"))
            {
                assessment.Write(json, traceId);
                count++;
            }

            json.WriteEndArray();
        }

        return (System.Text.Encoding.UTF8.GetString(text.ToArray()), count);
    }

    private async Task<Dictionary<string, string>> PairsAsync(string table, string traceId, CancellationToken cancellationToken) => Has(table)
        ? (await QueryAsync($"SELECT key, value FROM {table} WHERE request_id = @id ORDER BY key", row => (row.GetString(0), Text(row, 1) ?? ""), cancellationToken, ("@id", traceId))).ToDictionary()
        : [];

    private async Task<HashSet<string>> ColumnsAsync(string table, CancellationToken cancellationToken) =>
        [.. await QueryAsync(
            _connection is SqliteConnection
                ? "SELECT name FROM pragma_table_info(@table)"
                : "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = @table",
            row => row.GetString(0),
            cancellationToken,
            ("@table", table))];

    private bool Has(string table) => _columns[table].Count > 0;

    private async Task<List<T>> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancellationToken, params (string Name, object Value)[] values)
    {
        var command = _connection.CreateCommand();
        await using (command)
        {
            command.CommandText = sql;
            foreach (var (name, value) in values)
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                command.Parameters.Add(parameter);
            }

            var reader = await command.ExecuteReaderAsync(cancellationToken);
            await using (reader)
            {
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellationToken))
                {
                    rows.Add(read(reader));
                }

                return rows;
            }
        }
    }

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    /// <summary>A row of <c>trace_info</c>.</summary>
    private sealed record Row(string Id, long TimestampMs, long? DurationMs, string? Status, string? ClientRequestId, string? RequestPreview, string? ResponsePreview);
}
