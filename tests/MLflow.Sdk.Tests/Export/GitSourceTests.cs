using Xunit;

namespace MLflow.Tests.Export;

/// <summary>Repositories as git writes them.</summary>
public sealed class GitSourceTests : IDisposable
{
    private const string Hash = "0123456789abcdef0123456789abcdef01234567";
    private const string Other = "89abcdef0123456789abcdef0123456789abcdef";

    private readonly string _folder = Directory.CreateTempSubdirectory("git-source").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Find_BelowTheRepository_GivesCommitBranchAndAddress()
    {
        Write(".git/HEAD", "ref: refs/heads/feature/x\n");
        Write(".git/refs/heads/feature/x", Hash + "\n");
        Write(".git/config", "[core]\n\turl = no\n[remote \"fork\"]\n\turl = https://example.com/fork\n[remote \"origin\"]\n\tfetch = +refs\n\tURL = https://me:p@ss@example.com/a/b.git\n");

        Assert.Equal(new GitSource(Hash, "feature/x", "https://example.com/a/b.git"), GitSource.Find(Write("bin/Debug/x", "")));
    }

    [Fact]
    public void Find_PackedReference_IsFoundByItsWholeName()
    {
        Write(".git/HEAD", "ref: refs/heads/x");
        Write(".git/packed-refs", $"# pack-refs with: peeled\n{Other} refs/heads/refs/heads/x\n{Hash} refs/heads/x\n^{Other}\n");

        Assert.Equal(new GitSource(Hash, "x", ""), GitSource.Find(_folder));
    }

    [Fact]
    public void Find_DetachedHead_HasNoBranch()
    {
        Write(".git/HEAD", Hash + "\n");
        Write(".git/config", "[remote \"a\"]\nurl = git@example.com:a/b.git\n");

        Assert.Equal(new GitSource(Hash, "", "git@example.com:a/b.git"), GitSource.Find(_folder));
    }

    [Fact]
    public void Find_Worktree_HasItsOwnHeadAndSharesTheRest()
    {
        Write("main/.git/HEAD", "ref: refs/heads/main\n");
        Write("main/.git/refs/heads/side", Hash);
        Write("main/.git/config", "[remote \"origin\"]\n url = /srv/git/r\n");
        Write("main/.git/worktrees/side/HEAD", "ref: refs/heads/side\n");
        Write("main/.git/worktrees/side/commondir", "../..\n");
        Write("side/.git", $"gitdir: {_folder}/main/.git/worktrees/side\n");

        Assert.Equal(new GitSource(Hash, "side", "/srv/git/r"), GitSource.Find(Path.Combine(_folder, "side")));
    }

    [Theory]
    [InlineData("ref: refs/heads/none")]
    [InlineData("ref: ../../../etc/passwd")]
    [InlineData("nonsense")]
    [InlineData("")]
    public void Find_HeadThatLeadsNowhere_HasNoCommit(string head)
    {
        Write(".git/HEAD", head);

        Assert.Equal("", GitSource.Find(_folder).Commit);
    }

    [Theory]
    [InlineData("gitdir: ../nowhere")]
    [InlineData("something else")]
    public void Find_FileThatPointsNowhere_IsNone(string text)
    {
        Write(".git", text);

        Assert.Equal(GitSource.None, GitSource.Find(_folder));
    }

    [Fact]
    public void OfProgram_TheseTests_RunFromTheRepositoryOfTheirSource()
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !Path.Exists(Path.Combine(root, ".git")))
        {
            root = Path.GetDirectoryName(root);
        }

        Assert.SkipWhen(root is null, "These sources are in no repository.");
        Assert.Matches("^[0-9a-f]{40}$", GitSource.OfProgram().Commit);
    }

    private string Write(string path, string text)
    {
        var file = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return Path.GetDirectoryName(file)!;
    }
}
