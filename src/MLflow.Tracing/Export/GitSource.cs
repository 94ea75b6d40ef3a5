using System.Text;

namespace MLflow;

/// <summary>
/// The commit that a program runs from, where it runs from within a git repository. Files are read and no process is started; the formats are those of
/// gitrepository-layout(5) and git-config(1). What cannot be read is empty, as MLflow has it.
/// </summary>
internal sealed record GitSource(string Commit, string Branch, string RepositoryUrl)
{
    private const string BranchPrefix = "refs/heads/";
    private const long MaxFileBytes = 16 << 20;

    public static readonly GitSource None = new("", "", "");

    /// <summary>The repository of this program: where its source file is, if it is run from one, else where its assemblies are.</summary>
    public static GitSource OfProgram() => Find(AppContext.GetData("EntryPointFileDirectoryPath") as string ?? AppContext.BaseDirectory);

    /// <summary>Looks in a folder and those above it. Never throws.</summary>
    public static GitSource Find(string folder)
    {
        try
        {
            for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            {
                var git = Path.Combine(at.FullName, ".git");
                if (Directory.Exists(git))
                {
                    return Read(git);
                }

                // A worktree or a submodule.
                if (File.Exists(git))
                {
                    return Pointed(git, "gitdir: ") is { } target ? Read(target) : None;
                }
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Not ours to read.
        }

        return None;
    }

    private static GitSource Read(string git)
    {
        // Worktrees share all but their HEAD.
        var common = Pointed(Path.Combine(git, "commondir"), "") ?? git;
        var head = Text(Path.Combine(git, "HEAD"))?.Trim() ?? "";
        var reference = head.StartsWith("ref: ", StringComparison.Ordinal) ? head[5..].Trim() : null;
        return new GitSource(
            Hash(reference is null ? head : Resolve(common, reference)),
            reference?.StartsWith(BranchPrefix, StringComparison.Ordinal) == true && reference != BranchPrefix + ".invalid" ? reference[BranchPrefix.Length..] : "",
            Url(Text(Path.Combine(common, "config")) ?? ""));
    }

    private static string? Resolve(string common, string reference)
    {
        if (Text(Path.Combine(common, reference)) is { } loose)
        {
            return loose.Trim();
        }

        foreach (var line in (Text(Path.Combine(common, "packed-refs")) ?? "").AsSpan().EnumerateLines())
        {
            if (line.EndsWith(reference, StringComparison.Ordinal) && line.IndexOf(' ') is > 0 and var space && line[(space + 1)..].SequenceEqual(reference))
            {
                return line[..space].ToString();
            }
        }

        return null;
    }

    /// <summary>Address of <c>origin</c>, else that of the first remote, without credentials.</summary>
    private static string Url(string config)
    {
        string? first = null;
        string? remote = null;
        foreach (var raw in config.AsSpan().EnumerateLines())
        {
            var line = raw.Trim();
            if (line.StartsWith('['))
            {
                remote = line.StartsWith("[remote \"", StringComparison.Ordinal) && line.EndsWith("\"]", StringComparison.Ordinal) ? line[9..^2].ToString() : null;
            }
            else if (remote is not null && line.IndexOf('=') is > 0 and var equals && line[..equals].Trim().Equals("url", StringComparison.OrdinalIgnoreCase))
            {
                var url = WithoutCredentials(line[(equals + 1)..].Trim().Trim('"').ToString());
                if (remote == "origin")
                {
                    return url;
                }

                first ??= url;
            }
        }

        return first ?? "";
    }

    private static string WithoutCredentials(string url)
    {
        var host = url.IndexOf("://", StringComparison.Ordinal) + 3;
        if (host < 3)
        {
            return url;
        }

        // Also one that .NET takes for no address: a password may hold anything but a slash.
        var path = url.IndexOf('/', host);
        var at = url.LastIndexOf('@', path < 0 ? url.Length - 1 : path);
        return at < host ? url : url[..host] + url[(at + 1)..];
    }

    private static string Hash(string? text) => text is { Length: 40 or 64 } && text.All(char.IsAsciiHexDigitLower) ? text : "";

    /// <summary>The folder that a file names, from its own one on.</summary>
    private static string? Pointed(string file, string prefix) =>
        Text(file)?.Trim() is { } text && text.StartsWith(prefix, StringComparison.Ordinal) ? Path.GetFullPath(text[prefix.Length..], Path.GetDirectoryName(file)!) : null;

    private static string? Text(string path) => new FileInfo(path) is { Exists: true, Length: <= MaxFileBytes } ? File.ReadAllText(path, Encoding.UTF8) : null;
}
