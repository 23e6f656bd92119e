import Glibc

@main
enum Main {
    static func main() {
        exit(ExitStatus.done)
    }
}
