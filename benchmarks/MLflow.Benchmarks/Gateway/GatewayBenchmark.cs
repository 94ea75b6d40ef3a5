using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MLflow.Benchmarks.Server;

namespace MLflow.Benchmarks.Gateway;

/// <summary>What a call pays for going through the gateway: model, server and client are each a process of their own, on loopback, with connections that stay.</summary>
internal static class GatewayBenchmark
{
    public const string Usage = "gateway [latency | saturation | streams | untraced | traced | content]";

    private const string Direct = "/v1/chat/completions";
    private const string Through = "/gateway/openai/v1/chat/completions";
    private const int WarmUp = 3000;
    private const int LatencyRounds = 40;
    private const int CallsOfARound = 250;
    private const int Connections = 64;
    private const int SaturationRounds = 5;
    private const int Streams = 1000;
    private const int StreamsBefore = 200;
    private const int Looks = 13;

    /// <summary>By then all streams are under way.</summary>
    private const int LookFrom = 3;

    /// <summary>The first that sees some of them end.</summary>
    private const int LookTo = 10;


    /// <summary>The endpoints through which streams go, and what becomes of them.</summary>
    private static readonly Dictionary<string, string> Kinds = new() { ["untraced"] = "without traces", ["traced"] = "each a trace", ["content"] = "each a trace, with its content" };

    private static readonly TimeSpan SaturationTime = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] arguments)
    {
        string[] parts = arguments is ["streams"] ? [.. Kinds.Keys] : ["latency", "saturation", .. Kinds.Keys];
        if (arguments is not ([] or ["streams"]) && !(arguments is [var part] && parts.Contains(part)))
        {
            Console.Error.WriteLine("usage: " + Usage);
            return 2;
        }

        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-gateway-").FullName;
        try
        {
            using var report = new Report(string.Join('-', ["gateway", .. arguments]), string.Join(' ', ["gateway", .. arguments]));
            foreach (var each in parts.Where(name => arguments is [] or ["streams"] || arguments[0] == name))
            {
                // A server of its own for each: what one has left behind does not disturb the next.
                using var model = CompanionProcess.Start("model");
                var port = int.Parse(model.Address, CultureInfo.InvariantCulture);
                Environment.SetEnvironmentVariable("MLFLOW_GATEWAY_ALLOWED_HOSTS", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"));
                await using var server = await ServerProcess.StartAsync("sqlite:///" + Path.Combine(folder, each + ".db"), folder, "--log-level", "error");
                await CreateAsync(server, port);
                await (each switch
                {
                    "latency" => LatencyAsync(report, server, port),
                    "saturation" => SaturationAsync(report, server, port),
                    _ => StreamsAsync(report, server, each, isFirst: each == Kinds.Keys.First() || arguments.Contains(each)),
                });
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    /// <summary>One call after the other on one connection, by turns of each kind.</summary>
    private static async Task LatencyAsync(Report report, ServerProcess server, int port)
    {
        using var direct = await AskingConnection.OpenAsync(port, Direct, Body("gpt-4o-mini"));
        using var traced = await AskingConnection.OpenAsync(server.Port, Through, Body("traced"));
        using var untraced = await AskingConnection.OpenAsync(server.Port, Through, Body("untraced"));
        AskingConnection[] kinds = [direct, traced, untraced];
        foreach (var kind in kinds)
        {
            for (var i = 0; i < WarmUp; i++)
            {
                kind.Ask();
            }
        }

        // Of each round, the quantiles.
        var (half, most) = (kinds.Select(_ => new List<double>()).ToArray(), kinds.Select(_ => new List<double>()).ToArray());
        for (var round = 0; round < LatencyRounds; round++)
        {
            for (var kind = 0; kind < kinds.Length; kind++)
            {
                var times = new Times();
                for (var i = 0; i < CallsOfARound; i++)
                {
                    var start = Stopwatch.GetTimestamp();
                    kinds[kind].Ask();
                    times.Add(Stopwatch.GetElapsedTime(start));
                }

                half[kind].Add(times.Quantile(0.5));
                most[kind].Add(times.Quantile(0.99));
            }
        }

        report.Line($"One connection, one call of 0.6 KB after the other; medians of {LatencyRounds} rounds of {CallsOfARound} calls, what is added against the same round.");
        report.Line();
        report.Line($"| | p50, ms | added | p99, ms | added | target for p50 | |");
        report.Line($"|---|---|---|---|---|---|---|");
        report.Line($"| direct | {Median(half[0]):0.000} | | {Median(most[0]):0.000} | | | |");
        foreach (var (kind, name) in ((int, string)[])[(1, "gateway, each call a trace"), (2, "gateway, without traces")])
        {
            var added = Median(half[kind].Zip(half[0], (through, alone) => through - alone));
            report.Line($"| {name} | {Median(half[kind]):0.000} | {added:0.000} | {Median(most[kind]):0.000} | {Median(most[kind].Zip(most[0], (through, alone) => through - alone)):0.000} | ≤ 0.3 | {(added <= 0.3 ? "PASS" : "MISS")} |");
        }

        report.Line();
    }

    /// <summary>As many calls as there can be, by turns of each kind.</summary>
    private static async Task SaturationAsync(Report report, ServerProcess server, int port)
    {
        (string Name, int Port, string Path, string Model)[] kinds =
            [("direct", port, Direct, "gpt-4o-mini"), ("gateway, each call a trace", server.Port, Through, "traced"), ("gateway, without traces", server.Port, Through, "untraced")];
        var (rates, costs) = (kinds.Select(_ => new List<double>()).ToArray(), kinds.Select(_ => new List<double>()).ToArray());
        for (var round = -1; round < SaturationRounds; round++)
        {
            for (var kind = 0; kind < kinds.Length; kind++)
            {
                await server.IdleAsync();
                var (at, cpu) = (Stopwatch.GetTimestamp(), server.Cpu);
                var calls = await LoadAsync(kinds[kind].Port, kinds[kind].Path, Body(kinds[kind].Model));
                var rate = calls / Stopwatch.GetElapsedTime(at).TotalSeconds;
                if (round >= 0)
                {
                    rates[kind].Add(rate);
                    costs[kind].Add((server.Cpu - cpu).TotalMicroseconds / calls);
                }
            }
        }

        report.Line($"{Connections} connections, each with one call after the other, in turns of {SaturationTime.TotalSeconds} seconds; medians of {SaturationRounds}. Model and client share the {Environment.ProcessorCount} cores with the gateway.");
        report.Line();
        report.Line($"| | calls in a second | of direct | CPU of the server for a call, µs | target | |");
        report.Line($"|---|---|---|---|---|---|");
        report.Line($"| direct | {Median(rates[0]):#,0} | | | | |");
        for (var kind = 1; kind < kinds.Length; kind++)
        {
            report.Line($"| {kinds[kind].Name} | {Median(rates[kind]):#,0} | {Median(rates[kind].Zip(rates[0], (through, alone) => through / alone)):0.00} | {Median(costs[kind]):0} | ≥ 5,000 | {(Median(rates[kind]) >= 5000 ? "PASS" : "MISS")} |");
        }

        report.Line();
        var rejected = await server.MetricAsync("mlflow_server_rejected");
        report.Line($"Calls of all rounds whose traces were dropped, since more came than could be stored: {rejected:#,0}.");
        report.Line();
    }

    private static async Task<long> LoadAsync(int port, string path, string body)
    {
        var calls = 0L;
        var end = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            using var connection = await AskingConnection.OpenAsync(port, path, body);
            while (end.Elapsed < SaturationTime)
            {
                await connection.AskAsync();
                Interlocked.Increment(ref calls);
            }
        }));
        return calls;
    }

    /// <summary>Many streams at once, and what the server has in memory meanwhile.</summary>
    private static async Task StreamsAsync(Report report, ServerProcess server, string kind, bool isFirst)
    {
        if (isFirst)
        {
            report.Line($"{Streams:#,0} streams at once through the gateway, each with {LoopbackModel.ChunksAtOnce} chunks (2.2 KB) every {LoopbackModel.Pause.TotalSeconds} s, 110 KB in all. Memory of the server, resident, in MB; a server of its own for each row, which has passed {StreamsBefore} such streams before:");
            report.Line();
            report.Line($"| seconds | {string.Join(" | ", Enumerable.Range(0, Looks).Select(i => (i * Look.TotalSeconds).ToString(CultureInfo.InvariantCulture)))} | whole streams | growth from second {LookFrom * Look.TotalSeconds} while they run | target | | and when all end |");
            report.Line($"|---|{string.Concat(Enumerable.Repeat("---|", Looks + 5))}");
        }

        // What a server has done before is compiled, and its buffers are there.
        await Task.WhenAll(Enumerable.Range(0, StreamsBefore).Select(_ => AskAsync($"{LoopbackModel.AtOnce},")));
        await server.IdleAsync();
        var whole = 0;
        var all = Task.WhenAll(Enumerable.Range(0, Streams).Select(async _ =>
        {
            await AskAsync("");
            Interlocked.Increment(ref whole);
        }));
        var memory = new List<double>();
        for (var i = 0; i < Looks; i++)
        {
            memory.Add(server.ResidentMb);
            await Task.Delay(Look);
        }

        await all;
        var (growth, atEnd) = (Growth(LookTo), Growth(Looks));
        report.Line($"| {Kinds[kind]} | {string.Join(" | ", memory.Select(mb => mb.ToString("0", CultureInfo.InvariantCulture)))} | {whole:#,0} | {growth * 100:+0;-0;0} % | < 10 % | {(growth < 0.1 && whole == Streams ? "PASS" : "MISS")} | {atEnd * 100:+0;-0;0} % |");

        double Growth(int end) => (memory.Take(end).Skip(LookFrom).Max() / memory[LookFrom]) - 1;

        async Task AskAsync(string more)
        {
            using var connection = await AskingConnection.OpenAsync(server.Port, Through, Body(kind).Replace("{\"model\"", $"{{\"stream\":true,{more}\"model\"", StringComparison.Ordinal));
            await connection.AskAsync();
        }
    }

    private static string Body(string model) =>
        $$"""{"model":"{{model}}","messages":[{"role":"system","content":"You answer in one sentence."},{"role":"user","content":"{{string.Concat(Enumerable.Repeat("What is the capital of France? ", 16))}}"}]}""";

    private static async Task CreateAsync(ServerProcess server, int port)
    {
        var secret = await PostAsync("secrets/create", string.Create(CultureInfo.InvariantCulture, $$$"""{"secret_name":"s","secret_value":{"api_key":"sk-of-the-benchmark"},"auth_config":{"api_base":"http://127.0.0.1:{{{port}}}/v1"}}"""));
        var model = await PostAsync("model-definitions/create", $$"""{"name":"m","secret_id":"{{secret.GetProperty("secret").GetProperty("secret_id")}}","provider":"openai","model_name":"gpt-4o-mini"}""");
        var id = model.GetProperty("model_definition").GetProperty("model_definition_id");
        await PostAsync("endpoints/create", $$"""{"name":"traced","model_configs":[{"model_definition_id":"{{id}}"}]}""");
        await PostAsync("endpoints/create", $$"""{"name":"untraced","usage_tracking":false,"model_configs":[{"model_definition_id":"{{id}}"}]}""");
        await PostAsync("endpoints/create", $$"""{"name":"content","record_content":true,"model_configs":[{"model_definition_id":"{{id}}"}]}""");

        async Task<JsonElement> PostAsync(string call, string json)
        {
            using var content = new StringContent(json, null, "application/json");
            using var answer = await server.Http.PostAsync(new Uri("api/3.0/mlflow/gateway/" + call, UriKind.Relative), content);
            var text = await answer.Content.ReadAsStringAsync();
            return answer.IsSuccessStatusCode ? JsonDocument.Parse(text).RootElement : throw new InvalidOperationException($"{call}: {text}");
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
