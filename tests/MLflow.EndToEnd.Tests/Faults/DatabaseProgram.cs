using System.Globalization;
using Microsoft.Data.Sqlite;

namespace MLflow.EndToEnd.Tests.Faults;

/// <summary>A program that traces into a database of its own, as the environment names it.</summary>
internal static class DatabaseProgram
{
    public const string Argument = "--database-program";

    /// <summary>Ends while somebody else writes into its database, and says its trace's id.</summary>
    public const string Leave = "leave";

    /// <summary>Traces, and says how many traces of earlier runs it has sent.</summary>
    public const string Send = "send";

    private const int PatienceMs = 60_000;

    public static async Task RunAsync(string task, string database, string spool)
    {
        await using var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());

        // Starts the server.
        await using var client = new MlflowClient(new MlflowClientOptions { SpoolDirectory = spool });
        if (task == Leave)
        {
            await other.OpenAsync();
#pragma warning disable CA1849 // It has no asynchronous form that locks at once.
            _ = other.BeginTransaction(deferred: false);
#pragma warning restore CA1849
        }

        string traceId;
        using (var span = client.StartSpan(task))
        {
            traceId = span.TraceId;
        }

        if (task == Leave)
        {
            // The client gives up when it is closed, before the other does.
            Console.WriteLine(traceId);
            return;
        }

        var deadline = Environment.TickCount64 + PatienceMs;
        FlushResult result;
        do
        {
            result = await client.FlushAsync();
        }
        while (result.Recovered == 0 && Environment.TickCount64 < deadline);

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Recovered} recovered"));
    }
}
