using System.Diagnostics;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Tests.Storage.Postgres;
using MLflow.Tests;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(PostgresCluster))]

namespace MLflow.Server.Tests.Storage.Postgres;

/// <summary>A PostgreSQL server of the test run's own, on a free port of loopback; started by the first test that asks for a database.</summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    /// <summary>As after the first migration.</summary>
    private const string ClearSql = """
        TRUNCATE experiments, experiment_tags, saved_views, traces, text_places, trace_tags, trace_metadata, trace_runs, spans, span_payloads, trace_aliases, span_logs, assessments, convention_mapping,
            text_segments, text_pages, rollup_hours, rollup_marks, runs, run_tags, run_params, run_metrics, users, experiment_permissions, api_tokens, sessions, data_protection_keys, audit_log,
            blobs, trace_blobs, retention, job_leases, gateway_documents, gateway_usage RESTART IDENTITY;
        INSERT INTO experiments (experiment_id, name, artifact_location, creation_time_ms, last_update_time_ms) VALUES (0, 'Default', 'mlflow-artifacts:/0', 1, 1);
        INSERT INTO convention_mapping (id, version, done_trace_id, target) VALUES (1, 0, '', 0);
        UPDATE access_version SET version = 0;
        UPDATE gateway_version SET version = 0;
        """;

    /// <summary>Hosts and ports of a Citus cluster, the coordinator's first, which lets in the user postgres: databases are made there then, and distributed. Null for a server of our own.</summary>
    private static readonly string[]? Citus = Environment.GetEnvironmentVariable("MLFLOW_TEST_CITUS")?.Split(',');

    private static readonly string? Programs = FindPrograms();

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"mlflow-postgres-{Guid.NewGuid():N}");
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Stack<string> _free = [];
    private bool _isStarted;
    private int _databases;

    public static bool IsInstalled => Programs is not null;

    public int Port { get; private set; }

    /// <summary>What the server writes of itself, and where it is told to, of its statements and plans.</summary>
    public string Log => Path.Combine(_folder, "log");

    private string Data => Path.Combine(_folder, "data");

    /// <summary>The URI of an empty database, or of one with our tables that is used again once it was returned. Skips the test where PostgreSQL is not installed.</summary>
    public async Task<string> CreateDatabaseAsync(bool isEmpty = false)
    {
        SkipWhereMissing();
        await _gate.WaitAsync();
        try
        {
            if (!isEmpty && _free.TryPop(out var uri))
            {
                return uri;
            }

            if (Citus is not null && !isEmpty)
            {
                return await CreateDistributedAsync($"test_{Guid.NewGuid():N}");
            }

            await StartAsync();
            var name = $"test_{_databases++}";
            await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
            return Uri(name);
        }
        finally
        {
            _gate.Release();
        }
    }

    public static void SkipWhereMissing() => Assert.SkipUnless(IsInstalled, "PostgreSQL is not installed; eng/setup.sh installs it.");

    /// <summary>Lets another test have the database, which nobody uses any more.</summary>
    public async Task ReturnAsync(string uri)
    {
        await ExecuteAsync(uri, ClearSql);
        await _gate.WaitAsync();
        _free.Push(uri);
        _gate.Release();
    }

    /// <summary>Kills the server's processes, as the system does without memory, and starts it again.</summary>
    public async Task CrashAsync()
    {
        await KillAsync();
        await StartProcessAsync();
    }

    /// <summary>Kills the server's processes, as the system does without memory.</summary>
    public async Task KillAsync()
    {
        _isStarted = false;
        var id = (await File.ReadAllLinesAsync(Path.Combine(Data, "postmaster.pid")))[0];
        var children = await File.ReadAllTextAsync($"/proc/{id}/task/{id}/children");
        foreach (var process in children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Prepend(id))
        {
            // One may have ended by itself: it misses the first.
            using var kill = Process.Start(new ProcessStartInfo("kill", ["-s", "KILL", process]) { RedirectStandardError = true })!;
            await kill.WaitForExitAsync();
        }

        while (Directory.Exists($"/proc/{id}"))
        {
            await Task.Yield();
        }
    }

    /// <summary>Ends the server as a restart does, and starts it again.</summary>
    public Task RestartAsync() => RunAsync("pg_ctl", "restart", "-D", Data, "-m", "fast", "-w", "-l", Log);

    /// <summary>Stops and continues the standby's showing of what the primary writes; it goes on receiving it.</summary>
    public Task StopReplayingAsync(bool isStopped) => ExecuteAsync("postgres", isStopped ? "SELECT pg_wal_replay_pause()" : "SELECT pg_wal_replay_resume()");

    /// <summary>A standby that follows this server, which from then on acknowledges a commit only when the standby has it. Disposed before this one.</summary>
    public async Task<PostgresCluster> StartStandbyAsync()
    {
        var standby = new PostgresCluster { Port = FreePort.Next() };
        Directory.CreateDirectory(standby._folder);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", "postgres", standby._folder);
        }

        await RunAsync(
            "pg_basebackup", "-D", standby.Data, "-d", $"host=127.0.0.1 port={Port} user=postgres password='secret word' application_name=standby", "-R", "-X", "stream", "--checkpoint=fast", "--no-sync");
        await standby.ConfigureAsync();
        await standby.StartProcessAsync();
        await ExecuteAsync("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        await ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        while (await ScalarAsync(Uri("postgres"), "SELECT sync_state FROM pg_stat_replication") is not "sync")
        {
            // It is on its way.
        }

        return standby;
    }

    /// <summary>Makes a standby the primary; it has no standby of its own then.</summary>
    public Task PromoteAsync() => RunAsync("pg_ctl", "promote", "-D", Data, "-w");

    /// <summary>Returns when the standby shows all that has been written to this server.</summary>
    public Task WaitForStandbyAsync() => WaitAsync(Uri("postgres"), "(SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication)");

    public async Task ExecuteAsync(string databaseOrUri, string sql)
    {
        await using var connection = await ConnectAsync(PostgresUri.IsOne(databaseOrUri) ? databaseOrUri : Uri(databaseOrUri));
        await ExecuteAsync(connection, sql);
    }

    public static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<object?> ScalarAsync(string uri, string sql)
    {
        await using var connection = await ConnectAsync(uri);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>A connection of its own, which ends when it is disposed of.</summary>
    public static async Task<NpgsqlConnection> ConnectAsync(string uri)
    {
        var settings = PostgresUri.Parse(uri);
        settings.Pooling = false;

        // Of a busy machine, too.
        settings.Timeout = 60;
        settings.CommandTimeout = 120;
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Returns when somebody waits for a lock in the database.</summary>
    public static Task WaitForLockAsync(string uri) => WaitAsync(uri, "EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')");

    // Within one session: a new one for each look would take the processors from all the others.
    private static async Task WaitAsync(string uri, string condition)
    {
        await using var connection = await ConnectAsync(uri);
        await ExecuteAsync(connection, $"DO $$ BEGIN WHILE ({condition}) IS NOT TRUE LOOP PERFORM pg_sleep(0.005), pg_stat_clear_snapshot(); END LOOP; END $$");
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
        {
            await KillAsync();
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }

        _gate.Dispose();
    }

    private async Task<string> CreateDistributedAsync(string name)
    {
        foreach (var node in Citus!)
        {
            await ExecuteAsync($"postgresql://postgres@{node}/postgres", $"CREATE DATABASE {name}");
            await ExecuteAsync($"postgresql://postgres@{node}/{name}", "CREATE EXTENSION citus");
        }

        var uri = $"postgresql://postgres@{Citus[0]}/{name}";
        await ExecuteAsync(uri, $"SELECT citus_set_coordinator_host('{Citus[0].Replace(":", "', ", StringComparison.Ordinal)})");
        foreach (var node in Citus.Skip(1))
        {
            await ExecuteAsync(uri, $"SELECT citus_add_node('{node.Replace(":", "', ", StringComparison.Ordinal)})");
        }

        await MlflowDatabase.DistributeAsync(uri);
        return uri;
    }

    public string Uri(string database) => $"postgresql://postgres:secret%20word@127.0.0.1:{Port}/{database}";

    private async Task StartAsync()
    {
        if (_isStarted)
        {
            return;
        }

        Directory.CreateDirectory(_folder);
        if (Environment.IsPrivilegedProcess)
        {
            // initdb refuses to work as root.
            await RunAsync("chown", "postgres", _folder);
        }

        var password = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(password, "secret word");
        await RunAsync("initdb", "-D", Data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", $"--pwfile={password}", "--no-sync");
        Port = FreePort.Next();
        await ConfigureAsync();
        await StartProcessAsync();
    }

    // Durable beyond a crash of the machine these need not be; a crash of the server loses nothing without it.
    private Task ConfigureAsync() => File.AppendAllLinesAsync(
        Path.Combine(Data, "postgresql.conf"),
        [$"port = {Port}", "listen_addresses = '127.0.0.1'", $"unix_socket_directories = '{_folder}'", "fsync = off", "max_connections = 300", "shared_buffers = 64MB"]);

    public async Task StartProcessAsync()
    {
        await RunAsync("pg_ctl", "start", "-D", Data, "-w", "-l", Log);
        _isStarted = true;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var isOurs = program is "chown";
        var start = new ProcessStartInfo { WorkingDirectory = Path.GetTempPath(), RedirectStandardInput = true };
        string[] command = isOurs ? [program, .. arguments] : [Path.Combine(Programs!, program), .. arguments];
        if (!isOurs && Environment.IsPrivilegedProcess)
        {
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command];
        }

        start.FileName = "/bin/sh";

        // The server that pg_ctl starts would keep our pipes open.
        var log = Path.GetTempFileName();
        foreach (var argument in (string[])["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null", "sh", log, .. command])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        var said = await File.ReadAllTextAsync(log);
        File.Delete(log);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {said}");
    }

    /// <summary>Where Debian puts the newest version, or where initdb is on the path.</summary>
    private static string? FindPrograms()
    {
        var versions = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0).Select(folder => Path.Combine(folder, "bin"))
            : [];
        return versions.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }
}
