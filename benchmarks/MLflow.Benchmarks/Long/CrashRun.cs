using System.Globalization;
using MLflow.Benchmarks.Server;

namespace MLflow.Benchmarks.Long;

/// <summary>
/// Kills the server, and PostgreSQL, with SIGKILL while several clients export, again and again, and looks at what is stored then: all that was
/// acknowledged, nothing twice, of what was not acknowledged all of a request or nothing. Fails where it is otherwise, or where a start does not succeed by itself.
/// </summary>
internal static class CrashRun
{
    private const int Writers = 8;
    private const int MaxTracesOfARequest = 6;
    private const int TagsOfATrace = 3;
    private const int MaxRequestsBetweenKills = 150;
    private const int ReadThroughTheServer = 200;

    public static async Task<int> RunAsync(int kills)
    {
        Console.WriteLine($"{Writers} clients, each with requests of up to {MaxTracesOfARequest} traces of {AgentTraces.SpansOfATrace} spans. A request that failed is sent again or given up, by chance.");
        Console.WriteLine();
        Console.WriteLine("| database | killed | kills | acknowledged traces | of them stored whole | given up | of them stored whole | stored by half | rows without a trace | slowest start, s |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        var isRight = await RunAsync("SQLite", null, kills, killPostgres: false);
        await using (var postgres = await PostgresProcess.StartAsync())
        {
            isRight &= await RunAsync("PostgreSQL", postgres, kills, killPostgres: false);
            isRight &= await RunAsync("PostgreSQL", postgres, kills, killPostgres: true);
        }

        Console.WriteLine();
        Console.WriteLine(isRight ? "What was acknowledged is stored, whole and once, and nothing else is there by half." : "SOMETHING IS WRONG");
        return isRight ? 0 : 1;
    }

    private static async Task<bool> RunAsync(string database, PostgresProcess? postgres, int kills, bool killPostgres)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-crash-");
        var uri = postgres is null ? "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db") : await postgres.CreateDatabaseAsync();
        var random = new Random(kills);
        var seed = random.Next(1 << 20);
        var server = await ServerProcess.StartAsync(uri, folder.FullName);
        var slowest = server.ColdStart;
        var (acknowledged, givenUp) = (new List<int>(), new List<int>());
        var (nextTrace, answered, isOver) = (0, 0, false);
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(writer))).ToList();
        for (var kill = 0; kill < kills; kill++)
        {
            var until = Volatile.Read(ref answered) + random.Next(1, MaxRequestsBetweenKills);
            while (Volatile.Read(ref answered) < until)
            {
                await Task.Delay(1);
            }

            // Any moment of a request is as likely.
            await Task.Delay(random.Next(20));
            if (killPostgres)
            {
                await postgres!.KillAsync();
                await postgres.StartAsync();
            }
            else
            {
                server.Kill();
                var again = await ServerProcess.StartAsync(uri, folder.FullName);
                slowest = again.ColdStart > slowest ? again.ColdStart : slowest;
                var dead = Interlocked.Exchange(ref server, again);
                await dead.DisposeAsync();
            }
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(writers);
        await server.WaitForQueuesAsync();
        var isReadable = true;
        foreach (var trace in acknowledged.OrderBy(_ => random.Next()).Take(ReadThroughTheServer))
        {
            using var answer = await server.Http.GetAsync(new Uri("api/3.0/mlflow/traces/get?trace_id=" + AgentTraces.TraceId(seed, trace), UriKind.Relative));
            isReadable &= answer.IsSuccessStatusCode;
        }

        await server.DisposeAsync();
        var (stored, lost) = await StoredTotals.ReadAsync(uri, postgres);
        var whole = acknowledged.Count(IsWhole);
        var wholeGivenUp = givenUp.Count(IsWhole);
        var half = stored.Values.Count(trace => trace != (AgentTraces.SpansOfATrace, AgentTraces.SpansOfATrace, TagsOfATrace));
        var strangers = stored.Count - whole - wholeGivenUp - half;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {database} | {(killPostgres ? "PostgreSQL" : "server")} | {kills} | {acknowledged.Count:N0} | {whole:N0} | {givenUp.Count:N0} | {wholeGivenUp:N0} | {half} | {lost} | {(killPostgres ? "" : slowest.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture))} |"));
        folder.Delete(recursive: true);
        return isReadable && whole == acknowledged.Count && acknowledged.Distinct().Count() == acknowledged.Count && half == 0 && lost == 0 && strangers == 0;

        bool IsWhole(int trace) => stored.GetValueOrDefault(AgentTraces.TraceId(seed, trace)) == (AgentTraces.SpansOfATrace, AgentTraces.SpansOfATrace, TagsOfATrace);

        async Task WriteAsync(int writer)
        {
            var ownRandom = new Random(seed + writer);
            var traces = new AgentTraces(0.3, seed);
            while (!Volatile.Read(ref isOver))
            {
                var count = ownRandom.Next(1, MaxTracesOfARequest + 1);
                var first = Interlocked.Add(ref nextTrace, count) - count;
                var body = traces.Request(first, count);
                var isAcknowledged = false;
                do
                {
                    try
                    {
                        using var answer = await Volatile.Read(ref server).PostOtlpAsync(body);
                        isAcknowledged = answer.IsSuccessStatusCode;
                    }
                    catch (Exception e) when (e is HttpRequestException or OperationCanceledException or ObjectDisposedException)
                    {
                        await Task.Delay(5);
                    }
                }
                while (!isAcknowledged && ownRandom.Next(4) != 0);

                lock (acknowledged)
                {
                    (isAcknowledged ? acknowledged : givenUp).AddRange(Enumerable.Range(first, count));
                }

                Interlocked.Increment(ref answered);
            }
        }
    }
}
