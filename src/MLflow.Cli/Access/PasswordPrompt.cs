using System.Text;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Access;

/// <summary>Asks for a new password or another secret: on a terminal twice and unseen, else the first line of standard input. Never an option, which other users of the machine could read.</summary>
internal static class PasswordPrompt
{
    public static Task<string> AskAsync(string user, CancellationToken cancellationToken) => AskAsync(user, "password", cancellationToken);

    /// <param name="whose">Whose it is.</param>
    /// <param name="what">What is asked for, as <c>password</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<string> AskAsync(string whose, string what, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
        {
            return await Console.In.ReadLineAsync(cancellationToken) is { Length: > 0 } line
                ? line
                : throw CommandException.WrongUse($"standard input has no {what}: write it there as one line, or run the command in a terminal");
        }

        var password = Read($"{char.ToUpperInvariant(what[0])}{what[1..]} of {whose}: ");
        return Read("Again: ") == password ? password : throw CommandException.WrongUse($"the two {what}s differ");
    }

    private static string Read(string question)
    {
        Console.Error.Write(question);
        var text = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                text.Length = Math.Max(0, text.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                text.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return text.ToString();
    }
}
