using System.Text;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Access;

/// <summary>Asks for a new password: on a terminal twice and unseen, else the first line of standard input. Never an option, which other users of the machine could read.</summary>
internal static class PasswordPrompt
{
    public static async Task<string> AskAsync(string user, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
        {
            return await Console.In.ReadLineAsync(cancellationToken) is { Length: > 0 } line
                ? line
                : throw CommandException.WrongUse("standard input has no password: write it there as one line, or run the command in a terminal");
        }

        var password = Read($"Password of {user}: ");
        return Read("Again: ") == password ? password : throw CommandException.WrongUse("the two passwords differ");
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
