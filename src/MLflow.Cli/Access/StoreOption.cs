using System.CommandLine;
using System.Globalization;
using MLflow.Cli.Commands;
using MLflow.Server;
using MLflow.Server.Access;
using MLflow.Server.Hosting;
using MLflow.Server.Storage;

namespace MLflow.Cli.Access;

/// <summary><c>--backend-store-uri</c> of the commands that work on a server's database itself: users and tokens must be to be had before a server asks for them.</summary>
internal sealed class StoreOption
{
    private readonly Option<string> _uri = new("--backend-store-uri", "--store")
    {
        Description = "The server's database, as mlflow server has it. Default is that of MLFLOW_BACKEND_STORE_URI.",
        DefaultValueFactory = _ => new MlflowServerOptions().BackendStoreUri,
        HelpName = "URI",
    };

    public void AddTo(Command command) => command.Add(_uri);

    /// <param name="parsed">The call.</param>
    /// <param name="cancellationToken">Stops waiting for the database.</param>
    /// <param name="mayCreate">Whether the database is made when it is missing.</param>
    /// <exception cref="CommandException">There is no database.</exception>
    public async Task<OpenedStore> OpenAsync(ParseResult parsed, CancellationToken cancellationToken, bool mayCreate = false)
    {
        // The environment is no default of the option: help would show it, and it may hold a password.
        var uri = parsed.GetResult(_uri) is not { Implicit: false } && Environment.GetEnvironmentVariable("MLFLOW_BACKEND_STORE_URI") is { Length: > 0 } variable ? variable : parsed.GetValue(_uri)!;
        var settings = ServerSettings.Validate(new MlflowServerOptions { BackendStoreUri = uri });
        if (!mayCreate && settings.PostgresUri is null && !File.Exists(settings.DatabasePath))
        {
            throw new CommandException($"there is no database {settings.DatabasePath}; name the server's with --backend-store-uri");
        }

        // What a command does is no part of what a server counts of itself.
        return new OpenedStore(await ServerStart.OpenDatabaseAsync(settings, TimeProvider.System, null, SpanBlobs.None, cancellationToken), TimeProvider.System);
    }

    /// <exception cref="CommandException">There is no such user.</exception>
    public static User RequireUser(OpenedStore store, string name) => store.Users.FindUser(name)
        ?? throw new CommandException($"there is no user '{name}'; dotnet mlflow users list shows them, dotnet mlflow users create makes one");

    /// <summary>The id of an experiment that is named by its name or its id.</summary>
    /// <exception cref="CommandException">There is no such experiment.</exception>
    public static async Task<long> FindExperimentAsync(OpenedStore store, string experiment, CancellationToken cancellationToken)
    {
        var found = await store.Experiments.GetByNameAsync(experiment, cancellationToken)
            ?? (long.TryParse(experiment, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? await store.Experiments.GetAsync(id, cancellationToken) : null);
        return found?.ExperimentId ?? throw new CommandException($"there is no experiment '{experiment}'; give its name or its id");
    }

    /// <summary>Runs what changes users; what cannot be is told as the server tells it.</summary>
    public static async Task<int> TellAsync(Func<Task<int>> change)
    {
        try
        {
            return await change();
        }
        catch (Server.MlflowException e)
        {
            throw new CommandException(e.Message, e);
        }
    }
}
