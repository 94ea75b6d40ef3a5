using System.CommandLine;

namespace MLflow.Cli.Commands;

/// <summary><c>mlflow import --spool</c>: sends traces that programs left on the disk because their server was away.</summary>
internal sealed class ImportCommand : Command
{
    private readonly Option<string?> _spool = new("--spool")
    {
        Description = "Send traces that programs left on the disk, to the servers that they were made for. Without a folder: MLFLOW_SPOOL_DIRECTORY, else the user's own.",
        HelpName = "FOLDER",
        Arity = ArgumentArity.ZeroOrOne,
        Required = true,
    };

    public ImportCommand()
        : base("import", "Brings traces from elsewhere to a server.")
    {
        Add(_spool);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var folder = Folder(parsed.GetValue(_spool));
        var addresses = Addresses(folder);
        if (addresses.Count == 0)
        {
            await Console.Out.WriteLineAsync($"Nothing waits in {folder}.");
            return 0;
        }

        var areAllSent = true;
        foreach (var address in addresses)
        {
            try
            {
                var result = await SpoolImport.SendAsync(folder, address, cancellationToken);
                areAllSent &= result.LastError is null;
                await Console.Out.WriteLineAsync($"{Traces(result.Recovered)} sent to {address}{(result.LastError is null ? "" : $"; the rest stays: {result.LastError}")}");
            }
            catch (ArgumentException e)
            {
                // Credentials for a Databricks workspace are missing here. Other servers have their traces.
                areAllSent = false;
                await Console.Error.WriteLineAsync($"mlflow: what waits for {address} stays: {e.Message}");
            }
        }

        return areAllSent ? 0 : 1;
    }

    /// <summary>Sends what waits for a server of this machine that has just started. What goes wrong is said and changes nothing.</summary>
    public static async Task SendToAsync(Uri server, CancellationToken cancellationToken)
    {
        try
        {
            if (SpoolImport.DefaultFolder() is not { } folder)
            {
                return;
            }

            // Programs may know it by another name.
            foreach (var address in SpoolImport.Addresses(folder).Where(address => address.Port == server.Port && address.Scheme == server.Scheme && address.IsLoopback))
            {
                if ((await SpoolImport.SendAsync(folder, address, cancellationToken)).Recovered is > 0 and var count)
                {
                    await Console.Out.WriteLineAsync($"{Traces(count)} that waited in {folder} arrived.");
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops: the rest waits for its next start.
        }
#pragma warning disable CA1031 // Whatever is wrong with what lies there, the server goes on.
        catch (Exception e) when (e is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            await Console.Error.WriteLineAsync($"mlflow: traces that wait on the disk cannot be sent: {e.Message}");
        }
    }

    private static string Traces(long count) => count == 1 ? "1 trace" : $"{count} traces";

    private static string Folder(string? given)
    {
        if (given is not null)
        {
            return Directory.Exists(given) ? Path.GetFullPath(given) : throw new CommandException($"--spool {given} is not a folder");
        }

        try
        {
            return SpoolImport.DefaultFolder() ?? throw new CommandException("this user has no spool: MLFLOW_SPOOL_DIRECTORY is 'none', or there is no home; give a folder with --spool FOLDER");
        }
        catch (ArgumentException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static IReadOnlyList<Uri> Addresses(string folder)
    {
        try
        {
            return SpoolImport.Addresses(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{folder} cannot be read: {e.Message}");
        }
    }
}
