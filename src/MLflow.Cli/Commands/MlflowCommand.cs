using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using MLflow.Cli.Access;
using MLflow.Cli.Commands.Settings;
using MLflow.Cli.Database;
using MLflow.Cli.Doctor;
using MLflow.Cli.Experiments;
using MLflow.Cli.Mcp;
using MLflow.Cli.Output;
using MLflow.Cli.Retention;
using MLflow.Cli.Secrets;
using MLflow.Cli.Traces;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary>The command <c>dotnet mlflow</c>. What goes wrong ends as one sentence on standard error and exit code 1, or 2 where the call itself is wrong.</summary>
internal sealed class MlflowCommand : RootCommand
{
    private MlflowCommand()
        : base("MLflow Tracing for .NET: receives, stores and shows the traces of OpenAI applications.")
    {
        Add(new ServerCommand());
        Add(new DemoCommand());
        Add(new ImportCommand());
        Add(new ExperimentsCommand());
        Add(new TracesCommand());
        Add(new RetentionCommand());
        Add(new UsersCommand());
        Add(new TokensCommand());
        Add(new SecretsCommand());
        Add(new DoctorCommand());
        Add(new DatabaseCommand());
        Add(new McpCommand());
    }

    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = new MlflowCommand().Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed is { CommandResult.Command: ServerCommand server, UnmatchedTokens: [], Action: not null and (ParseErrorAction or AsynchronousCommandLineAction) })
        {
            var isWrongUse = parsed.Errors.Count > 0;
            parsed = parsed.RootCommandResult.Command.Parse([.. server.Complete(args, parsed)]);
            if (server.Mistakes(parsed) is { Count: > 0 } mistakes)
            {
                foreach (var mistake in mistakes)
                {
                    await FailAsync(mistake, ExitCodes.Failed, Console.Error);
                }

                return isWrongUse ? ExitCodes.WrongUse : ExitCodes.Failed;
            }
        }

        if (parsed.Action is ParseErrorAction)
        {
            var mistake = parsed.UnmatchedTokens is [var unknown, ..] ? Unknown(unknown, parsed.CommandResult.Command) : parsed.Errors[0].Message.TrimEnd('.');
            return await FailAsync($"{mistake}; see dotnet mlflow {Path(parsed.CommandResult)}--help.", ExitCodes.WrongUse, Console.Error);
        }

        return await TellAsync(() => parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,

            // The commands that run for long handle signals themselves, and Ctrl-C ends the others. System.CommandLine's own handler would still be called for the same
            // signal after the command has ended, and then ends the process with an ObjectDisposedException.
            ProcessTerminationTimeout = null,
        }), Console.Error);
    }

    /// <summary>Runs a command and says what went wrong. A cancellation too: nobody cancels a command, so that it is a request that took too long.</summary>
    internal static async Task<int> TellAsync(Func<Task<int>> command, TextWriter errors)
    {
        try
        {
            return await command();
        }
        catch (CommandException e)
        {
            return await FailAsync(e.Message, e.ExitCode, errors);
        }
        catch (ArgumentException e)
        {
            // What the SDK says of a value that it was given; its parameter's name means nothing here.
            return await FailAsync(e.ParamName is null ? e.Message : e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), ExitCodes.WrongUse, errors);
        }
        catch (IOException e) when (StandardOutput.IsClosed(e))
        {
            return ExitCodes.OutputClosed;
        }
        catch (MLflow.MlflowException e) when (e.InnerException is ExportFailureException { Status: null, Kind: ExportFailureKind.Unreachable })
        {
            return await FailAsync($"{e.Message.TrimEnd('.')}; 'dotnet mlflow doctor' looks for the reason.", ExitCodes.Failed, errors);
        }
        catch (Exception e) when (e is MlflowServerStartException or MLflow.MlflowException or FormatException or IOException or UnauthorizedAccessException)
        {
            return await FailAsync(e.Message, ExitCodes.Failed, errors);
        }
#pragma warning disable CA1031 // The last resort of a program: a sentence instead of a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return await FailAsync($"unexpected {e.GetType().Name}: {e.Message}", ExitCodes.Failed, errors);
        }
    }

    private static string Unknown(string word, Command command)
    {
        var near = Spelling.Nearest(word, word.StartsWith('-') ? command.Options.Select(option => option.Name) : command.Subcommands.Select(each => each.Name));
        return $"'{word}' is not a command or option{(near is null ? "" : $" (did you mean '{near}'?)")}";
    }

    /// <summary>The words between <c>mlflow</c> and the options.</summary>
    private static string Path(CommandResult command) =>
        command.Command is RootCommand ? "" : (command.Parent is CommandResult parent ? Path(parent) : "") + command.Command.Name + " ";

    private static async Task<int> FailAsync(string sentence, int exitCode, TextWriter errors)
    {
        await errors.WriteLineAsync("mlflow: " + sentence.ReplaceLineEndings(" "));
        return exitCode;
    }
}
