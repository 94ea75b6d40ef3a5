using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Postgres;
using Npgsql;

namespace MLflow.Benchmarks.Server;

/// <summary>The command line's server as a process of its own, with what is asked of it.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const string OtlpType = "application/x-protobuf";

    /// <summary>Those that the text index takes at once, see ADR 0020.</summary>
    private const int TracesOfASegment = 512;

    private readonly Process _process;
    private readonly string _storeUri;

    private ServerProcess(Process process, string storeUri, Uri address, TimeSpan coldStart)
    {
        _process = process;
        _storeUri = storeUri;
        ColdStart = coldStart;
        Http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan }) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(10) };
    }

    public HttpClient Http { get; }

    public int Id => _process.Id;

    public int Port => Http.BaseAddress!.Port;

    /// <summary>Of all its threads, since it began.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>From the start of the process to its first answer.</summary>
    public TimeSpan ColdStart { get; }

    /// <summary>Resident, in MB.</summary>
    public double ResidentMb => Status("VmRSS");

    /// <summary>The most that was resident, in MB.</summary>
    public double PeakMb => Status("VmHWM");

    /// <param name="storeUri">The database.</param>
    /// <param name="folder">Where the server runs and puts artifacts.</param>
    /// <param name="options">Further options of the command line.</param>
    public static async Task<ServerProcess> StartAsync(string storeUri, string folder, params string[] options)
    {
        var port = FreePort();
        var started = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "dotnet-mlflow.dll"), "server", "--port", port.ToString(CultureInfo.InvariantCulture), "--otlp-grpc-port", "none", "--backend-store-uri", storeUri, .. options])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MLFLOW_SPOOL_DIRECTORY"] = "none";
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => Console.Error.Write(line.Data is { Length: > 0 } text ? text + "\n" : "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var address = new Uri($"http://127.0.0.1:{port}/");
        using var http = new HttpClient { BaseAddress = address };
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri("health", UriKind.Relative));
                answer.EnsureSuccessStatusCode();
                return new ServerProcess(process, storeUri, address, Stopwatch.GetElapsedTime(started));
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                await Task.Delay(2);
            }
        }
    }

    public async Task<HttpResponseMessage> PostOtlpAsync(byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(OtlpType);
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/traces") { Content = content };
        request.Headers.Add("x-mlflow-experiment-id", "0");
        return await Http.SendAsync(request);
    }

    /// <summary>Sends and fails where it is not stored.</summary>
    public async Task ExportAsync(byte[] body)
    {
        using var answer = await PostOtlpAsync(body);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"The server answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    /// <summary>
    /// Waits until nothing waits to be written, and fewer traces wait to be indexed than are indexed at once: those wait for others, a minute at most.
    /// The database is asked for them, since what the server says of it is up to five seconds old.
    /// </summary>
    public async Task WaitForQueuesAsync()
    {
        var isPostgres = PostgresUri.IsOne(_storeUri);
        await using DbConnection connection = isPostgres
            ? new NpgsqlConnection(PostgresUri.Parse(_storeUri).ConnectionString + ";Pooling=false")
            : new SqliteConnection($"Data Source={_storeUri["sqlite:///".Length..]};Mode=ReadOnly;Pooling=false");
        await connection.OpenAsync();
        await using var waiting = connection.CreateCommand();
        waiting.CommandText = isPostgres ? "SELECT COUNT(*) FROM text_places WHERE place < 0" : "SELECT COUNT(*) FROM traces WHERE text_place < 0";
        while (await MetricAsync("mlflow_server_queue") > 0 || (long)(await waiting.ExecuteScalarAsync())! >= TracesOfASegment)
        {
            await Task.Delay(100);
        }
    }

    /// <summary>Waits until it has done what it does after its answers: it takes no more than a twentieth of a core.</summary>
    public async Task IdleAsync()
    {
        await WaitForQueuesAsync();
        for (var (cpu, isBusy) = (Cpu, true); isBusy;)
        {
            await Task.Delay(200);
            (cpu, isBusy) = (Cpu, (Cpu - cpu).TotalMilliseconds > 10);
        }
    }

    /// <summary>The sum of a metric over its labels; 0 where it has not been counted yet.</summary>
    public async Task<double> MetricAsync(string name) => (await Http.GetStringAsync(new Uri("metrics", UriKind.Relative))).Split('\n')
        .Where(line => line.StartsWith(name, StringComparison.Ordinal)).Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Ends it as an operator does.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-s", "TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await _process.WaitForExitAsync();
        }

        Http.Dispose();
        _process.Dispose();
    }

    private double Status(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim().Split('\t')[^1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
