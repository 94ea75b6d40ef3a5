using System.CommandLine;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Output;

/// <summary><c>--yes</c>, and the question where it is not given.</summary>
internal sealed class Confirmation
{
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Do not ask." };

    public void AddTo(Command command) => command.Add(_yes);

    /// <returns>Whether it may go on.</returns>
    /// <exception cref="CommandException">Nobody is there to be asked.</exception>
    public async Task<bool> AskAsync(ParseResult parsed, string question, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_yes))
        {
            return true;
        }

        if (Console.IsInputRedirected)
        {
            throw CommandException.WrongUse($"{question} Nobody can be asked here: give --yes");
        }

        await Console.Error.WriteAsync(question + " [y/N] ");
        var answer = await Console.In.ReadLineAsync(cancellationToken);
        return answer?.Trim() is "y" or "Y" or "yes";
    }
}
