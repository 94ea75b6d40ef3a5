using System.Reflection;
using System.Text.RegularExpressions;
using MLflow.Server.Storage.Postgres;
using Xunit;

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>What lets the tables be distributed by the trace's id.</summary>
public sealed partial class PostgresSchemaTests(PostgresCluster cluster)
{
    /// <summary>Tables that are small enough to be on every machine.</summary>
    private static readonly string[] Small =
    [
        "experiments", "experiment_tags", "convention_mapping", "schema_versions", "runs", "run_tags", "run_params", "run_metrics",
        "users", "experiment_permissions", "api_tokens", "sessions", "data_protection_keys", "audit_log", "access_version", "blobs", "retention", "job_leases",
        "gateway_documents", "gateway_version", "gateway_usage", "saved_views",
    ];

    /// <summary>Tables that know no trace and are distributed by keys of their own: the segment, and the experiment.</summary>
    private static readonly string[] OfOtherKeys = ["text_segments", "text_pages", "rollup_hours", "rollup_marks"];

    /// <summary>Figures are of all traces of an experiment, wherever they are, and so is the queue of the text index.</summary>
    private static readonly Type[] OfAllTraces = [typeof(PostgresTraceAnalysis), typeof(PostgresRollupRows), typeof(PostgresRollups), typeof(PostgresTextIndex), typeof(PostgresTextPlaces)];

    [Fact]
    public void Statements_OnTraces_NameTheTraceOrAreLists()
    {
        var statements = Statements();

        Assert.InRange(statements.Count, 40, 200);
        Assert.All(statements.Where(statement => !TablesOf(statement.Sql).All(Small.Contains)), statement => Assert.True(
            TraceId().IsMatch(statement.Sql) || List().IsMatch(statement.Sql),
            $"{statement.Name} names no trace and is no list with ORDER BY and LIMIT: {statement.Sql}"));
    }

    [Theory]
    [InlineData("span_logs", "trace_aliases")]
    [InlineData("blobs")]
    public void Statements_OnWhatLiesElsewhere_JoinNoTraces(params string[] elsewhere)
    {
        var statements = Statements().FindAll(statement => TablesOf(statement.Sql).Intersect(elsewhere).Any());

        Assert.NotEmpty(statements);
        Assert.All(statements, statement => Assert.Subset(elsewhere.ToHashSet(), TablesOf(statement.Sql)));
    }

    [Fact]
    public async Task Constraints_StayWithinATrace()
    {
        var uri = await cluster.CreateDatabaseAsync();
        await using (await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, Xunit.TestContext.Current.CancellationToken))
        {
            Assert.Equal(0L, await PostgresCluster.ScalarAsync(uri, "SELECT (SELECT COUNT(*) FROM pg_constraint WHERE contype = 'f') + (SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal)"));

            // The first column of whatever is unique.
            var leading = (string)(await PostgresCluster.ScalarAsync(
                uri,
                $"""
                SELECT COALESCE(string_agg(t.relname || '.' || a.attname, ' ' ORDER BY t.relname), '')
                FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relispartition = FALSE AND t.relname <> ALL (ARRAY['{string.Join("', '", Small.Concat(OfOtherKeys))}'])
                """))!;
            Assert.Equal(
                "assessments.trace_id span_logs.otel_trace_id span_payloads.trace_id spans.trace_id text_places.trace_id trace_aliases.otel_trace_id trace_blobs.trace_id trace_metadata.trace_id trace_runs.trace_id trace_tags.trace_id traces.trace_id",
                leading);
        }

        await cluster.ReturnAsync(uri);
    }

    private static HashSet<string> TablesOf(string sql) => [.. Tables().Matches(sql).Select(table => table.Groups[1].Value)];

    private static List<(string Name, string Sql)> Statements() =>
    [
        .. typeof(PostgresTraceStore).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(PostgresTraceStore).Namespace && !OfAllTraces.Contains(type))
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(field => field.Name.EndsWith("Sql", StringComparison.Ordinal))
            .SelectMany(field => (field.IsLiteral ? field.GetRawConstantValue() : field.GetValue(null)) switch
            {
                string sql => new[] { ($"{field.DeclaringType!.Name}.{field.Name}", sql) },
                string[] all => all.Select(sql => ($"{field.DeclaringType!.Name}.{field.Name}", sql)),
                _ => [],
            })
            .Where(statement => Tables().IsMatch(statement.Item2)),
    ];

    [GeneratedRegex(@"\b(?:FROM|INTO|UPDATE|JOIN|USING)\s+((?!unnest\b|pg_)[a-z_]+)\b(?!\s*\()")]
    private static partial Regex Tables();

    // Asked for by the id, or written with it; otel_trace_id is the key of what only knows that.
    [GeneratedRegex(@"trace_id\s*(=|IN\b)|INSERT INTO [a-z_]+( AS [a-z])? \((otel_)?(trace_id|assessment_id, trace_id)\b")]
    private static partial Regex TraceId();

    [GeneratedRegex(@"ORDER BY[\s\S]*LIMIT")]
    private static partial Regex List();
}
